import type { Outcome } from 'holdfast'

/** From mild to strict. */
export const OUTCOMES = [
  'allow',
  'observe',
  'challenge',
  'limit',
  'deny',
  'revoke',
] as const satisfies readonly Outcome[]
