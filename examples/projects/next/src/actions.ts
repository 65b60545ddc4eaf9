'use server'

import { ownPath } from 'holdfast/fetch'
import { redirect } from 'next/navigation'
import { asked, deliver, hf, refuse, sessionOf } from '@/holdfast'
import { proverOf, userOf } from '@/users'

export async function logIn(form: FormData): Promise<void> {
  const back = ownPath(form.get('return'))
  const user = userOf(Object.fromEntries(form))
  if (user === undefined) redirect(`/login?${new URLSearchParams({ return: back, again: '' })}`)
  const request = await asked(form)
  const done = await hf.login(request, { subject: user, amr: ['pwd'], factors: ['otp'] })
  if (!done.ok) refuse(done.code, back)
  await deliver(done.attach(new Response()))
  redirect(back)
}

export async function order(form: FormData): Promise<void> {
  const { subject } = await sessionOf('/account', { sensitivity: 'sensitive', form })
  redirect(`/account?${new URLSearchParams({ ordered: subject })}`)
}

export async function stepUp(form: FormData): Promise<void> {
  const back = ownPath(form.get('return'))
  const request = await asked(form)
  const begun = await hf.beginStepUp(request, { sensitivity: 'sensitive' })
  if (!begun.ok) refuse(begun.code, back)
  const { challenge } = begun
  const subject = proverOf(Object.fromEntries(form))
  if (subject === undefined) {
    await hf.stepUpFailed(request, challenge)
    redirect(`/step-up?${new URLSearchParams({ return: back, again: '' })}`)
  }
  const done = await hf.completeStepUp(request, { challenge, subject, amr: ['otp'] })
  if (!done.ok) refuse(done.code, back)
  await deliver(done.attach(new Response()))
  redirect(back)
}

export async function logOut(form: FormData): Promise<void> {
  const done = await hf.logout(await asked(form))
  if (!done.ok) refuse(done.code, '/')
  await deliver(done.attach(new Response()))
  redirect('/')
}
