import type { Claims } from '../../codecs/token-codec.ts'
import { sameText } from '../../core/constant-time.ts'
import { contextKey } from '../../core/context.ts'
import type { RefusalCode } from '../../core/errors.ts'
import type { Device, Network, Presentation, Sensitivity } from '../../core/request.ts'
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
import type { Located } from '../../network/describe.ts'
import type { NetworkReader } from '../../network/network-reader.ts'
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

/**
 * A presentation whose network is looked up where something asks for it. Bad input is refused
 * before anything has an effect. `method`: what it counts as, if not its own.
 */
export class ReducedPresentation implements Presentation {
  readonly at: number
  readonly device: Device
  readonly sensitivity: Sensitivity
  readonly method: string
  /** A browser asked before its user did. */
  readonly speculative: boolean
  readonly passive: boolean
  readonly partial: boolean
  /** Its network as far as the address tells by itself. */
  readonly located: Located
  readonly #networks: NetworkReader
  #network: Network | undefined

  constructor(
    { networks, describeDevice }: Describing,
    { request, sensitivity, activity }: PresentedRequest,
    { at, method }: { readonly at: number; readonly method?: string },
  ) {
    const facts = checkRequest(request)
    this.at = at
    this.device = describeDevice(facts)
    this.sensitivity = sensitivity ?? 'normal'
    this.method = method ?? facts.method
    this.speculative = isSpeculative(facts)
    this.passive = this.speculative || activity === 'passive'
    this.partial = isPartial(facts, this.device)
    this.located = checkNetwork(networks.locate, facts.ip)
    this.#networks = networks
  }

  get network(): Network {
    this.#network ??= this.#networks.lookUp(this.located)
    return this.#network
  }
}

type Describing = Pick<EngineContext, 'networks' | 'describeDevice'>
type PresentedRequest = Pick<Presented, 'request' | 'sensitivity' | 'activity'>

/** One presentation, reduced, with the claims of a token whose tag is right. */
export class AuthenticatedPresentation {
  readonly presented: Presented
  readonly presentation: ReducedPresentation
  readonly claims: Claims

  constructor(presented: Presented, presentation: ReducedPresentation, claims: Claims) {
    this.presented = presented
    this.presentation = presentation
    this.claims = claims
  }
}

/** A presentation with the place that its secret has in the session's rotation. */
export class MatchedPresentation implements AuthenticatedPresentation {
  readonly presented: Presented
  readonly presentation: ReducedPresentation
  readonly claims: Claims
  readonly shown: ShownSecret
  readonly rotation: RotationStatus

  constructor(
    { presented, presentation, claims }: AuthenticatedPresentation,
    shown: ShownSecret,
    rotation: RotationStatus,
  ) {
    this.presented = presented
    this.presentation = presentation
    this.claims = claims
    this.shown = shown
    this.rotation = rotation
  }
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
  const presentation = new ReducedPresentation(engine, presented, { at, ...method })
  // Without rotation a sensitive route would be open to whoever never shows a successor.
  if (presentation.speculative && presentation.sensitivity === 'sensitive') {
    return { ok: false, code: 'speculative_request' }
  }
  return new AuthenticatedPresentation(presented, presentation, claims)
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

/** What events say of a presentation, and of whose session it is of, where that is known. */
export function factsOf(
  { claims, presentation, presented }: AuthenticatedPresentation,
  owner?: EventFacts['owner'],
): EventFacts {
  const { at, network, device } = presentation
  return { at, session: claims.session, network, device, cause: presented, owner }
}

/** The session's live family of one kind. Null: it has none. */
export function familyOfKind(record: OpenedRecord, kind: TokenKind): TokenFamily | null {
  return kind === 'session' ? record.head.family : record.refresh()
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
  return new MatchedPresentation(authenticated, shown, rotationStatus(family, shown))
}

/** A secret as its family knows it. */
export function shownSecret(family: TokenFamily, claims: Claims, showing: Showing): ShownSecret {
  const { unlinkedDigest, digest } = claims
  const known =
    unlinkedDigest === undefined ? digest : digestOnRecord(family, claims, unlinkedDigest)
  return new SecretShown(claims, known, showing)
}

type Showing = Pick<ShownSecret, 'context' | 'at' | 'judgedAt'>

class SecretShown implements ShownSecret {
  readonly kind: TokenKind
  readonly generation: number
  readonly digest: string
  readonly context: string
  readonly at: number
  readonly judgedAt: number
  private readonly claims: Claims

  constructor(claims: Claims, digest: string, { context, at, judgedAt }: Showing) {
    this.kind = claims.kind
    this.generation = claims.generation
    this.digest = digest
    this.context = context
    this.at = at
    this.judgedAt = judgedAt
    this.claims = claims
  }

  /** Worked out where it is asked for. */
  get descent(): ShownSecret['descent'] {
    return this.claims.descent
  }
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
