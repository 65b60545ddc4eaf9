import { hf } from '@/holdfast'
import { proverOf, textOf } from '@/users'

export async function POST(request: Request): Promise<Response> {
  const body: unknown = await request.json()
  const challenge = textOf(body, 'challenge')
  const subject = proverOf(body)
  if (subject === undefined) {
    const noted = await hf.stepUpFailed(request, challenge)
    return noted.ok ? new Response(null, { status: 401 }) : noted.response
  }
  const done = await hf.completeStepUp(request, { challenge, subject, amr: ['otp'] })
  return done.ok ? done.attach(Response.json({ user: subject })) : done.response
}
