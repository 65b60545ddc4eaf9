import { hf } from '@/holdfast'

// From a place that this user has not confirmed, the answer is 401 `step_up_required`.
export const POST = hf.requireSession({ sensitivity: 'sensitive' })((_, { session }) =>
  Response.json({ buyer: session.subject }, { status: 201 }),
)
