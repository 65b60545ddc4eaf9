import { sameText } from './constant-time.ts'
import type { Family, Predecessor, Secret } from './session.ts'

/** A lost response is answered with the same successor this long; parallel requests of one jar must not diverge. */
const RESEND_MS = 10_000

/** A predecessor may still arrive this long after its successor was first shown: in flight, or another tab. */
const IN_FLIGHT_MS = 60_000

/** Sensitive calls rotate one by one: a page may make this many while one request is under way. */
const MAX_PREDECESSORS = 8

const MAX_CONTEXTS_OF_A_SECRET = 16

/** What a client showed: an authentic secret of the live family. */
export interface Showing {
  readonly generation: number
  readonly digest: string
  readonly context: string
  readonly at: number
}

/**
 * - `current`: the newest secret; `first` when nobody had shown it before.
 * - `resend`: the successor went out moments ago; send the same one again.
 * - `lost`: the successor's response was lost, or a second holder shows the same secret: mint a fresh sibling.
 * - `in_flight`: a predecessor that was on its way; fine, send nothing.
 * - `fork`: two holders of one line of secrets.
 * - `ahead`: an authentic secret that the record does not know: the store was rolled back.
 */
export type Row =
  | { readonly row: 'current'; readonly first: boolean }
  | { readonly row: 'resend' | 'lost' | 'in_flight' | 'fork' | 'ahead' }

/** The case table of the ratchet. */
export function judgeShowing(family: Family, showing: Showing): Row {
  const { issued, acked, predecessors, displaced } = family
  const { generation: k, digest, at } = showing

  if (k > issued.generation) return { row: 'ahead' }
  if (k === issued.generation) {
    if (!sameText(digest, issued.digest)) return { row: 'ahead' }
    return { row: 'current', first: issued.generation !== acked.generation }
  }
  if (k === acked.generation) {
    if (!sameText(digest, acked.digest)) return { row: 'ahead' }
    return { row: at - issued.mintedAt <= RESEND_MS ? 'resend' : 'lost' }
  }
  if (displaced !== null && k === displaced.generation) {
    return { row: at - displaced.at <= RESEND_MS ? 'in_flight' : 'fork' }
  }
  const predecessor = predecessors.find(({ generation }) => generation === k)
  if (predecessor === undefined) return { row: 'fork' }
  if (!sameText(digest, predecessor.digest)) return { row: 'ahead' }
  const known = predecessor.contexts.includes(showing.context)
  return { row: known && mayArrive(predecessor, at) ? 'in_flight' : 'fork' }
}

function mayArrive({ succeededAt }: Predecessor, at: number): boolean {
  return at - succeededAt <= IN_FLIGHT_MS
}

/** The first secret of a family, shown by nobody yet but counted as acknowledged: there is nothing before it. */
export function firstSecret(
  secret: Secret,
): Pick<Family, 'issued' | 'acked' | 'predecessors' | 'displaced'> {
  return {
    issued: secret,
    acked: secret,
    predecessors: [],
    displaced: null,
  }
}

/** `issued` was shown for the first time: it becomes `acked`, and its token need not be kept any more. */
export function acknowledge(family: Family, context: string, at: number): Family {
  const { token: _sent, ...issued } = family.issued
  const { generation, digest } = family.acked
  const newest = { generation, digest, succeededAt: at, contexts: family.contexts }
  const older = family.predecessors.filter((predecessor) => mayArrive(predecessor, at))
  return {
    ...family,
    issued,
    acked: issued,
    predecessors: [newest, ...older].slice(0, MAX_PREDECESSORS),
    contexts: [context],
  }
}

/** A successor was minted and sent. */
export function rotate(family: Family, successor: Secret): Family {
  return { ...family, issued: successor }
}

/** A sibling takes the place of a successor that got lost: whoever shows that one later is a second holder. */
export function displace(family: Family, sibling: Secret, at: number): Family {
  return { ...family, issued: sibling, displaced: { generation: family.issued.generation, at } }
}

/** Notes that a context uses the acknowledged secret. */
export function usedBy(family: Family, context: string): Family {
  if (family.contexts.includes(context)) return family
  return { ...family, contexts: [...family.contexts, context].slice(-MAX_CONTEXTS_OF_A_SECRET) }
}
