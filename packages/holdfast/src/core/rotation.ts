import { sameText } from './constant-time.ts'
import type { Sensitivity } from './request.ts'
import type { SessionState, TokenFamily } from './session.ts'
import type { TokenKind } from './token.ts'

/**
 * The rotation of secrets within a family, without the cryptography: one answer, one secret. A
 * successor goes into exactly one answer and is never sent again, and the one before it stays good
 * until a successor is shown. So nobody can be given the secret of another holder, and two holders
 * who go on are found by a fork (docs/decisions/0019-one-answer-one-secret.md).
 */

/** From judging a request to the head of its answer. A later answer leaves without its secret. */
export const ANSWER_MS = 10_000

/** Networks, copies that are a few seconds old, and clocks that differ. */
const MARGIN_MS = 10_000

/** A request is under way this long at most, on clocks that are two seconds apart at most. */
const IN_FLIGHT_MS: Readonly<Record<TokenKind, number>> = { session: 62_000, refresh: 20_000 }

/** A secret that is shown this long after it was seen due is evidence of its own. */
const OVERDUE_MS = 10 * 60_000

/** Two are a second user; more of them change nothing. */
const MAX_CONTEXTS_OF_A_SECRET = 2

/**
 * From the minting of a secret until every request with the one before it has arrived, ms. No
 * generation is followed by the next one sooner.
 */
export function settlingTime(kind: TokenKind): number {
  return ANSWER_MS + MARGIN_MS + IN_FLIGHT_MS[kind]
}

/** What a client showed: an authentic secret of a live family. Digests are of links. */
export interface ShownSecret {
  readonly kind: TokenKind
  readonly generation: number
  readonly digest: string
  /** Null in a token that tells nothing of its descent. */
  readonly descent: ShownDescent | null
  /** When the request was received. */
  readonly at: number
  /** When it is judged, which is later where its body took time. */
  readonly judgedAt: number
  readonly context: string
}

interface ShownDescent {
  readonly mintedAt: number
  readonly parent: string
  readonly grandparent: string
}

/**
 * - `current`: the secret that counts.
 * - `next`: of the next generation, and it descends from the current one: it counts from now on.
 * - `sibling`: it succeeds the same secret as the current one and may still be under way.
 * - `moved`: such a sibling after that time, where nobody went on with the current one: it counts
 *   from now on.
 * - `in_flight`: the one before, which was on its way or comes from another tab.
 * - `fork`: two holders of one family. `rolledBack`: a secret from further ahead than the store
 *   knows.
 */
export type RotationStatus =
  | { readonly status: 'current' | 'next' | 'sibling' | 'moved' | 'in_flight' }
  | { readonly status: 'fork'; readonly rolledBack: boolean }

const FORK: RotationStatus = { status: 'fork', rolledBack: false }
const ROLLED_BACK: RotationStatus = { status: 'fork', rolledBack: true }

/** What a shown secret is to its family. */
export function rotationStatus(family: TokenFamily, shown: ShownSecret): RotationStatus {
  const { current, previous } = family
  const ahead = shown.generation - current.generation
  if (ahead === 0 && sameText(shown.digest, current.digest)) return { status: 'current' }
  if (ahead > 0) {
    if (descends(family, shown)) return { status: 'next' }
    return ahead === 1 ? FORK : ROLLED_BACK
  }
  if (ahead === 0) return siblingStatus(family, shown)
  const isPrevious = previous !== null && sameText(shown.digest, previous.digest)
  return isPrevious && shown.at <= previous.until ? { status: 'in_flight' } : FORK
}

/**
 * Of the next generation by the current secret, or by a sibling of it that a lost write had made
 * the current one. Two ahead where the write of the one between was lost (a fail-over).
 */
function descends({ current, previous, outstanding }: TokenFamily, shown: ShownSecret): boolean {
  const { descent, digest } = shown
  const ahead = shown.generation - current.generation
  if (descent === null) return outstanding !== null && sameText(digest, outstanding.digest)
  if (ahead === 1) {
    if (sameText(descent.parent, current.digest)) return true
    return previous !== null && sameText(descent.grandparent, previous.digest)
  }
  return ahead === 2 && sameText(descent.grandparent, current.digest)
}

function siblingStatus(
  { current, previous, shownAt }: TokenFamily,
  shown: ShownSecret,
): RotationStatus {
  const { kind, at, descent } = shown
  if (descent === null || previous === null) return FORK
  if (!sameText(descent.parent, previous.digest)) return FORK
  const mintedAt = mintedBy(shown) ?? at
  // The one before was asked for successors until one of them was shown, and no longer.
  if (mintedAt > shownAt + MARGIN_MS) return FORK
  if (at <= current.mintedAt + settlingTime(kind)) return { status: 'sibling' }
  // Whoever showed the current one that late cannot be on the way with this one any more.
  if (current.notedAt > mintedAt + settlingTime(kind)) return FORK
  return { status: 'moved' }
}

/**
 * Whether generations went by while the body of a request was under way: it was received before the
 * current one was first shown, and the record no longer tells whether its secret was good then. It
 * is refused, and proves nothing.
 */
export function wasOvertaken(
  { current, previous, shownAt }: TokenFamily,
  { generation, digest, at, judgedAt }: ShownSecret,
): boolean {
  if (generation >= current.generation || at >= judgedAt || at >= shownAt) return false
  return previous === null || !sameText(digest, previous.digest)
}

/**
 * When a shown secret was made: before it was shown, whatever it says. A clock may have been set
 * back, and whoever makes tags of his own gains nothing by a later time.
 */
function mintedBy({ descent, at }: ShownSecret): number | undefined {
  return descent === null ? undefined : Math.min(descent.mintedAt, at)
}

/** How a family goes on after a secret was shown, before anything is minted. */
export function withShown<Family extends TokenFamily>(
  family: Family,
  shown: ShownSecret,
  { status }: RotationStatus,
): Family {
  switch (status) {
    case 'current':
      return withUser(family, shown.context)
    case 'next':
      return withNext(family, shown)
    case 'moved': {
      const current = secretOf(shown, mintedBy(shown) ?? shown.at)
      return withUser({ ...family, current }, shown.context)
    }
    case 'sibling':
    case 'in_flight':
    case 'fork':
      return family
  }
}

function withNext<Family extends TokenFamily>(family: Family, shown: ShownSecret): Family {
  const { current, outstanding } = family
  const { kind, at, judgedAt, context } = shown
  const parent = shown.descent?.parent ?? current.digest
  const mintedAt = mintedBy(shown) ?? outstanding?.mintedAt ?? at
  const until = Math.min(at, mintedAt + ANSWER_MS + MARGIN_MS) + IN_FLIGHT_MS[kind]
  return {
    ...family,
    current: secretOf(shown, mintedAt),
    // Until it was judged, the one before was current and got siblings of this one.
    beganAt: Math.min(judgedAt, mintedAt + settlingTime(kind)),
    shownAt: judgedAt,
    previous: { digest: parent, until },
    outstanding: null,
    contexts: [context],
  }
}

function secretOf(
  { generation, digest, at }: ShownSecret,
  mintedAt: number,
): TokenFamily['current'] {
  return { generation, digest, mintedAt, notedAt: at }
}

function withUser<Family extends TokenFamily>(family: Family, context: string): Family {
  const { contexts } = family
  if (contexts.includes(context) || contexts.length === MAX_CONTEXTS_OF_A_SECRET) return family
  return { ...family, contexts: [...contexts, context] }
}

/** When a secret rotates, besides before a sensitive route. */
export interface RotationOptions {
  readonly everyMs: number
  readonly sensitivity: Sensitivity
}

/**
 * Whether the current secret, shown now, gets a successor where the answer can carry one. A refresh
 * token is always due.
 */
export function successorDue(
  family: TokenFamily,
  { kind, at }: Pick<ShownSecret, 'kind' | 'at'>,
  { everyMs, sensitivity }: RotationOptions,
): boolean {
  const { current, beganAt, contexts } = family
  if (at <= beganAt + settlingTime(kind)) return false
  const asked = kind === 'refresh' || sensitivity === 'sensitive'
  return asked || contexts.length > 1 || at - current.mintedAt >= everyMs
}

/**
 * Notes that the current secret was shown late: from then on the generation is settled, and its
 * other members are second holders. Once where it first got a successor, and once where it was
 * first seen due by the interval.
 */
export function withNote<Family extends TokenFamily>(
  family: Family,
  { kind, at }: Pick<ShownSecret, 'kind' | 'at'>,
  { everyMs, succeeded }: { readonly everyMs: number; readonly succeeded: boolean },
): Family {
  const { current, beganAt } = family
  const settles = succeeded && current.notedAt <= beganAt + settlingTime(kind)
  const dueAt = current.mintedAt + everyMs
  const seenDue = kind === 'session' && at >= dueAt && current.notedAt < dueAt
  return settles || seenDue ? { ...family, current: { ...current, notedAt: at } } : family
}

/**
 * For how long the current secret has been shown since it was first seen due, ms, where that is
 * long: its holder does without the successors that the answers bring. Undefined: not overdue.
 */
export function overdueFor(
  { current }: TokenFamily,
  at: number,
  everyMs: number,
): number | undefined {
  const seenDue = current.notedAt >= current.mintedAt + everyMs
  const since = at - current.notedAt
  return seenDue && since >= OVERDUE_MS ? since : undefined
}

/**
 * The first secret of a family, settled from the start. `repeated`: the answer may be asked for
 * again until then, and each repetition brings a sibling whose parent has this digest.
 */
export function firstSecret(
  { digest, at, kind }: { readonly digest: string; readonly at: number; readonly kind: TokenKind },
  repeated?: { readonly parent: string; readonly until: number },
): Omit<TokenFamily, 'id' | 'contexts'> {
  return {
    current: { generation: 1, digest, mintedAt: at, notedAt: at },
    beganAt: at - 2 * settlingTime(kind),
    shownAt: repeated === undefined ? at : repeated.until - MARGIN_MS,
    previous: repeated === undefined ? null : { digest: repeated.parent, until: at - 1 },
    outstanding: null,
  }
}

/** The answer to a completed step-up may be asked for again this long. */
export const REPEAT_MS = 60_000

/** A session that no longer remembers a step-up whose answer cannot be asked for again. */
export function withoutOldStepUp(state: SessionState, at: number): SessionState {
  const { stepUp } = state
  if (stepUp === null || at - stepUp.at <= REPEAT_MS + MARGIN_MS) return state
  return { ...state, stepUp: null }
}
