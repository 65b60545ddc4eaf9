import { hf } from '@/holdfast'
import { userOf } from '@/users'

export async function POST(request: Request): Promise<Response> {
  const user = userOf(await request.json())
  if (user === undefined) return new Response(null, { status: 401 })
  const done = await hf.login(request, { subject: user, amr: ['pwd'], factors: ['otp'] })
  return done.ok ? done.attach(Response.json({ user })) : done.response
}
