import { sameText } from './constant-time.ts'
import type { Predecessor, Secret, SessionState, TokenFamily } from './session.ts'

/**
 * A successor is sent again this long, where its response was lost or requests of one client ran in
 * parallel. A later answer must not carry it: a newer one may have gone out by then.
 */
export const RESEND_MS = 10_000

/**
 * A predecessor may arrive this long after its successor was first shown: it was in flight, or came
 * from another tab.
 */
const IN_FLIGHT_MS = 60_000

/** Each sensitive call rotates. A page may make this many calls while one request is under way. */
const MAX_PREDECESSORS = 8

const MAX_CONTEXTS_OF_A_SECRET = 16

/** What a client showed: an authentic secret of a live family. */
export interface PresentedSecret {
  readonly generation: number
  readonly digest: string
  readonly context: string
  readonly at: number
}

/**
 * - `current`: the newest secret; `first` when nobody had shown it before.
 * - `resend`: the successor went out moments ago; send the same one again.
 * - `lost`: the successor's response was lost, or a second holder shows the same secret: mint a
 *   fresh sibling.
 * - `in_flight`: a predecessor that was on its way; fine, send nothing.
 * - `fork`: two holders of one family.
 * - `ahead`: an authentic secret that the record does not know: the store was rolled back.
 */
export type RotationStatus =
  | { readonly status: 'current'; readonly first: boolean }
  | { readonly status: 'resend' | 'lost' | 'in_flight' | 'fork' | 'ahead' }

/** What a presented secret is to its family. */
export function rotationStatus(family: TokenFamily, showing: PresentedSecret): RotationStatus {
  const { issued, acked, predecessors, displaced } = family
  const { generation: k, digest, at } = showing

  if (k > issued.generation) return { status: 'ahead' }
  if (k === issued.generation) {
    if (!sameText(digest, issued.digest)) return { status: 'ahead' }
    return { status: 'current', first: issued.generation !== acked.generation }
  }
  if (k === acked.generation) {
    if (!sameText(digest, acked.digest)) return { status: 'ahead' }
    return { status: at - issued.mintedAt <= RESEND_MS ? 'resend' : 'lost' }
  }
  if (displaced !== null && k === displaced.generation) {
    return { status: at - displaced.at <= RESEND_MS ? 'in_flight' : 'fork' }
  }
  const predecessor = predecessors.find(({ generation }) => generation === k)
  if (predecessor === undefined) return { status: 'fork' }
  if (!sameText(digest, predecessor.digest)) return { status: 'ahead' }
  const known = predecessor.contexts.includes(showing.context)
  return { status: known && mayArrive(predecessor, at) ? 'in_flight' : 'fork' }
}

function mayArrive({ succeededAt }: Predecessor, at: number): boolean {
  return at - succeededAt <= IN_FLIGHT_MS
}

/**
 * The first secret of a family, shown by nobody yet but counted as acknowledged: there is nothing
 * before it.
 */
export function firstSecret(
  secret: Secret,
): Pick<TokenFamily, 'issued' | 'acked' | 'predecessors' | 'displaced'> {
  return {
    issued: secret,
    acked: secret,
    predecessors: [],
    displaced: null,
  }
}

/**
 * `issued` was shown for the first time: it becomes `acked`, and its token is not kept any longer.
 */
export function withFirstUse<Family extends TokenFamily>(
  family: Family,
  context: string,
  at: number,
): Family {
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
export function withSuccessor<Family extends TokenFamily>(
  family: Family,
  successor: Secret,
): Family {
  return { ...family, issued: successor }
}

/**
 * A sibling takes the place of a successor that got lost. Whoever shows the lost one later is a
 * second holder.
 */
export function withSibling<Family extends TokenFamily>(
  family: Family,
  sibling: Secret,
  at: number,
): Family {
  return { ...family, issued: sibling, displaced: { generation: family.issued.generation, at } }
}

/** Notes that a context uses the acknowledged secret. */
export function withUser<Family extends TokenFamily>(family: Family, context: string): Family {
  if (family.contexts.includes(context)) return family
  return { ...family, contexts: [...family.contexts, context].slice(-MAX_CONTEXTS_OF_A_SECRET) }
}

/** The answer to a completed step-up may be asked for again this long. */
export const REPEAT_MS = 60_000

/**
 * A presentation that began a little earlier may still have to be sent the token.
 */
const MARGIN_MS = 10_000

/**
 * A session without the tokens that are too old to be sent again. They would serve nobody but a
 * thief. The opened record of a session that holds a token is not kept in memory.
 */
export function withoutExpiredTokens(state: SessionState, at: number): SessionState {
  const { family, refresh, stepUp } = state
  const next = {
    family: withoutExpiredToken(family, at),
    refresh: refresh === null ? null : withoutExpiredToken(refresh, at),
    stepUp: stepUp !== null && at - stepUp.at > REPEAT_MS + MARGIN_MS ? null : stepUp,
  }
  const same = next.family === family && next.refresh === refresh && next.stepUp === stepUp
  return same ? state : { ...state, ...next }
}

/** Whether somebody who reads this record learns a token. */
export function holdsToken({ family, refresh, stepUp }: SessionState): boolean {
  return stepUp !== null || family.issued.token !== undefined || refresh?.issued.token !== undefined
}

function withoutExpiredToken<Family extends TokenFamily>(family: Family, at: number): Family {
  const { token, ...issued } = family.issued
  if (token === undefined || at - issued.mintedAt <= RESEND_MS + MARGIN_MS) return family
  return { ...family, issued }
}
