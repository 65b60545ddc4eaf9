import { z } from 'zod'

const evidence = z.object({
  group: z.enum(['N', 'D', 'C', 'R', 'K', 'B', 'P']),
  reason: z.string(),
  weight: z.int(),
  detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  text: z.string(),
})

const decision = z.object({
  outcome: z.enum(['allow', 'observe', 'challenge', 'limit', 'deny', 'revoke']),
  score: z.int(),
  because: z.array(evidence).max(256),
})

const situation = z.object({
  sensitivity: z.enum(['normal', 'sensitive']),
  reading: z.boolean(),
  context: z.enum(['confirmed', 'provisional', 'challenged', 'new']),
  networkConfirmed: z.boolean(),
  missing: z.array(z.enum(['acr', 'freshness'])),
  forked: z.boolean(),
  travelImpossible: z.boolean().default(false),
  canStepUp: z.boolean(),
  signalFailed: z.boolean(),
  prompts: z.int(),
  contradiction: z
    .enum(['failed_key_proof', 'step_up_failed_after_fork', 'refresh_reused', 'not_me'])
    .nullable(),
})

/** What a report needs of an event, wherever it was written down. */
export const recordedEvent = z.object({
  type: z.string(),
  actor: z.string(),
  at: z.int().min(0).max(8.64e15),
  subject: z.string().nullable(),
  session: z.string().nullable(),
  network: z.object({ asn: z.int().nullable() }).nullable(),
  device: z.object({ family: z.string(), os: z.string() }).nullable(),
  decision: decision.nullable(),
  /** Absent in logs of a time when events did not have it. */
  situation: situation.nullable().default(null),
  reason: z.string().nullable(),
})

export type RecordedEvent = z.output<typeof recordedEvent>

export type RecordedDecision = z.output<typeof decision>
