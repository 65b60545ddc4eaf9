import { hf } from '@/holdfast'

export async function POST(request: Request): Promise<Response> {
  const begun = await hf.beginStepUp(request, { sensitivity: 'sensitive' })
  if (!begun.ok) return begun.response
  return Response.json({ challenge: begun.challenge, factors: begun.factors })
}
