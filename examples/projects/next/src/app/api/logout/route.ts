import { hf } from '@/holdfast'

export async function POST(request: Request): Promise<Response> {
  const done = await hf.logout(request)
  return done.ok ? done.attach(new Response(null, { status: 204 })) : done.response
}
