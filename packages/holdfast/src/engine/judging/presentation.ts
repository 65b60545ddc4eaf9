import type { Claims } from '../../codecs/token-codec.ts'
import { sameText } from '../../core/constant-time.ts'
import { contextKey } from '../../core/context.ts'
import type { RefusalCode } from '../../core/errors.ts'
import type { Network, Presentation } from '../../core/request.ts'
import { isPartial, isSpeculative } from '../../core/request-kinds.ts'
import {
  type RotationStatus,
  rotationStatus,
  type ShownSecret,
  wasOvertaken,
} from '../../core/rotation.ts'
import type { TokenFamily } from '../../core/session.ts'
import type { Presented, Verification } from '../../core/sessions.ts'
import type { TokenKind } from '../../core/token.ts'
import type { EngineContext, EventFacts, FactsOf, OpenedRecord } from '../context.ts'
import {
  checkAudience,
  checkCorrelation,
  checkDuration,
  checkNetwork,
  checkRequest,
  checkWord,
  invalid,
} from '../input.ts'

/** A presentation whose network is looked up where something asks for it, and its own from then. */
export interface ReducedPresentation extends Presentation {
  /** Its network as far as the address tells by itself. */
  readonly located: Network
  /** A browser asked before its user did. */
  readonly speculative: boolean
}

/** One presentation, reduced, with the claims of a token whose tag is right. */
export interface AuthenticatedPresentation {
  readonly presented: Presented
  readonly presentation: ReducedPresentation
  readonly claims: Claims
}

/** A presentation with the place that its secret has in the session's rotation. */
export interface MatchedPresentation extends AuthenticatedPresentation {
  readonly rotation: RotationStatus
  readonly shown: ShownSecret
}

export type Refusal = Verification & { readonly ok: false }

/** Steps 1 and 2 of `verify`: reduces the request and checks the tag. Reads no store. */
export function authenticatedPresentation(
  engine: EngineContext,
  presented: Presented,
  kind: TokenKind,
): AuthenticatedPresentation | Refusal {
  const at = engine.host.now()
  const claims = authenticate(engine, presented, { at, kind })
  if (typeof claims === 'string') return { ok: false, code: claims }
  // Whatever the method: who refreshes is about to do more than read.
  const method = kind === 'refresh' ? { method: 'POST' } : {}
  const presentation = presentationOf(engine, presented, { at, ...method })
  // Without rotation a sensitive route would be open to whoever never shows a successor.
  if (presentation.speculative && presentation.sensitivity === 'sensitive') {
    return { ok: false, code: 'speculative_request' }
  }
  return { presented, presentation, claims }
}

/** The claims of an authentic token of this kind, or the code of the refusal. Reads no store. */
export function authenticate(
  engine: EngineContext,
  presented: Presented,
  { at, kind }: { readonly at: number; readonly kind: TokenKind },
): Claims | RefusalCode {
  const { token, acr, maxAgeMs, sensitivity, activity, waitedMs = 0, audience } = presented
  if (acr !== undefined) checkWord('acr', acr)
  checkCorrelation(presented)
  if (maxAgeMs !== undefined) checkDuration('maxAgeMs', maxAgeMs)
  if (sensitivity !== undefined && sensitivity !== 'normal' && sensitivity !== 'sensitive') {
    throw invalid('sensitivity', 'must be "normal" or "sensitive"')
  }
  if (activity !== undefined && activity !== 'active' && activity !== 'passive') {
    throw invalid('activity', 'must be "active" or "passive"')
  }
  if (audience !== undefined) checkAudience(engine.tokens, audience)
  if (!Number.isSafeInteger(waitedMs) || waitedMs < 0) {
    throw invalid('waitedMs', 'must be a whole number of milliseconds from 0 up')
  }
  if (typeof token !== 'string') throw invalid('token', 'must be a string')
  const claims = engine.codec.authenticate(token)
  if (typeof claims === 'string') {
    tellRefused(engine, { at, reason: claims, cause: presented })
    return claims
  }
  if (claims.kind === kind) return claims
  const reason = 'wrong_token_use'
  tellRefused(engine, { at, session: claims.session, reason, cause: presented })
  return reason
}

/** Apart, because a closure costs the function that it is in an allocation at each call. */
function tellRefused({ eventWriter }: EngineContext, facts: FactsOf<'token-unknown'>): void {
  eventWriter.tell('token-unknown', () => facts)
}

/** Refuses bad input before anything has an effect. `method`: what it counts as, if not its own. */
export function presentationOf(
  engine: EngineContext,
  presented: Pick<Presented, 'request' | 'sensitivity' | 'activity'>,
  { at, method }: { readonly at: number; readonly method?: string },
): ReducedPresentation {
  const { networks } = engine
  const request = checkRequest(presented.request)
  const device = engine.describeDevice(request)
  const speculative = isSpeculative(request)
  const reduced = {
    __proto__: networks.lazyNetwork,
    at,
    located: checkNetwork(networks.locate, request.ip),
    device,
    sensitivity: presented.sensitivity ?? ('normal' as const),
    method: method ?? request.method,
    speculative,
    passive: speculative || presented.activity === 'passive',
    partial: isPartial(request, device),
  }
  return reduced as unknown as ReducedPresentation
}

/** What events say of a presentation, and of whose session it is of, where that is known. */
export function factsOf(
  { claims, presentation, presented }: AuthenticatedPresentation,
  owner?: EventFacts['owner'],
): EventFacts {
  const { at, network, device } = presentation
  return { at, session: claims.session, network, device, cause: presented, owner }
}

/** The session's live family of one kind. Null: it has none. */
export function familyOfKind({ head, refresh }: OpenedRecord, kind: TokenKind): TokenFamily | null {
  return kind === 'session' ? head.family : refresh()
}

/**
 * A request counts as received at most this long ago: slow sending must keep no old secret alive.
 */
const MAX_WAITED_MS = 5 * 60_000

/**
 * Step 5: the place of the secret in its family. Undefined: its family is dead, because a login or
 * a step-up has replaced it, or others have replaced the secret while its body was under way.
 */
export function matchSecret(
  family: TokenFamily | null,
  authenticated: AuthenticatedPresentation,
): MatchedPresentation | undefined {
  const { claims, presentation, presented } = authenticated
  if (family === null || claims.family !== family.id) return undefined
  const shown = shownSecret(family, claims, {
    context: contextKey(presentation.located, presentation.device),
    at: presentation.at - Math.min(presented.waitedMs ?? 0, MAX_WAITED_MS),
    judgedAt: presentation.at,
  })
  if (wasOvertaken(family, shown)) return undefined
  return { presented, presentation, claims, rotation: rotationStatus(family, shown), shown }
}

/** A secret as its family knows it. */
export function shownSecret(
  family: TokenFamily,
  claims: Claims,
  showing: Pick<ShownSecret, 'context' | 'at' | 'judgedAt'>,
): ShownSecret {
  const { kind, generation, unlinkedDigest } = claims
  const digest =
    unlinkedDigest === undefined ? claims.digest : digestOnRecord(family, claims, unlinkedDigest)
  const { context, at, judgedAt } = showing
  const shown = {
    __proto__: LAZY_DESCENT,
    kind,
    generation,
    digest,
    context,
    at,
    judgedAt,
    claims,
  }
  return shown as unknown as ShownSecret
}

/** Worked out where it is asked for. All secrets share the getter: one of its own is dear. */
const LAZY_DESCENT = {
  claims: undefined as Claims | undefined,
  get descent(): ShownSecret['descent'] {
    return this.claims?.descent ?? null
  },
}

/** A version without links put the digest of the secret itself on record. */
function digestOnRecord(
  { current, previous, outstanding }: TokenFamily,
  { digest }: Claims,
  unlinkedDigest: string,
): string {
  const known = [current, previous, outstanding].some(
    (secret) => secret !== null && sameText(secret.digest, unlinkedDigest),
  )
  return known ? unlinkedDigest : digest
}
