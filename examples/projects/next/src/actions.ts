'use server'

import { ownPath } from 'holdfast/next'
import { redirect } from 'next/navigation'
import { hf } from '@/holdfast'
import { proverOf, userOf } from '@/users'

export async function logIn(form: FormData): Promise<void> {
  const back = ownPath(form.get('return'))
  const user = userOf(Object.fromEntries(form))
  if (user === undefined) redirect(`/login?${new URLSearchParams({ return: back, again: '' })}`)
  const done = await hf.login(form, { subject: user, amr: ['pwd'], factors: ['otp'] })
  if (!done.ok) return hf.refuse(done)
  redirect(back)
}

export async function order(form: FormData): Promise<void> {
  const { subject } = await hf.sessionOf({ form, sensitivity: 'sensitive', returnTo: '/account' })
  redirect(`/account?${new URLSearchParams({ ordered: subject })}`)
}

export async function stepUp(form: FormData): Promise<void> {
  const back = ownPath(form.get('return'))
  const begun = await hf.beginStepUp(form, { sensitivity: 'sensitive' })
  if (!begun.ok) return hf.refuse(begun)
  const { challenge } = begun
  const subject = proverOf(Object.fromEntries(form))
  if (subject === undefined) {
    await hf.stepUpFailed(form, challenge)
    redirect(`/step-up?${new URLSearchParams({ return: back, again: '' })}`)
  }
  const done = await hf.completeStepUp(form, { challenge, subject, amr: ['otp'] })
  if (!done.ok) return hf.refuse(done)
  redirect(back)
}

export async function logOut(form: FormData): Promise<void> {
  const done = await hf.logout(form)
  if (!done.ok) return hf.refuse(done)
  redirect('/')
}
