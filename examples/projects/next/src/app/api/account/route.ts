import { hf } from '@/holdfast'

export const GET = hf.requireSession()((_, { session }) => Response.json({ user: session.subject }))
