import type { Claims } from '../../codecs/token-codec.ts'
import {
  firstSecret,
  type RotationOptions,
  successorDue,
  withNote,
  withShown,
} from '../../core/rotation.ts'
import type { TokenFamily } from '../../core/session.ts'
import type { EngineContext, EventFacts, MadeEvent } from '../context.ts'
import { factsOf, type MatchedPresentation } from './presentation.ts'

/** The family after a presentation, and what the answer has to deliver. */
export interface Rotation {
  /** The very same object where nothing changed. */
  readonly family: TokenFamily
  readonly token?: string
  readonly refreshToken?: string
}

/** What a presentation means for its family: how it goes on, and whether a successor is due. */
export interface RotationPlan {
  readonly family: TokenFamily
  readonly mints: boolean
}

/**
 * How the family goes on, by the table of the design. A successor is minted where it is due and the
 * answer can carry it. Nothing is noted of the successor itself: it proves its own descent.
 */
export function planRotation(
  { rotateEveryMs: everyMs }: Pick<EngineContext, 'rotateEveryMs'>,
  family: TokenFamily,
  { rotation, shown, presented, presentation }: MatchedPresentation,
): RotationPlan {
  const { status } = rotation
  if (status === 'sibling' || status === 'in_flight' || status === 'fork') {
    return { family, mints: false }
  }
  const options: RotationOptions = { everyMs, sensitivity: presentation.sensitivity }
  const carried =
    shown.kind === 'refresh' ? presented.deliverable !== false : presented.deliverable === true
  const deliverable = carried && !presentation.speculative
  const used = withShown(family, shown, rotation)
  const mints = deliverable && successorDue(used, shown, options)
  return { family: withNote(used, shown, { everyMs, succeeded: mints }), mints }
}

/**
 * Notes the use of a secret, and mints what the answer has to carry. Only for outcomes `allow` and
 * `observe`.
 */
export function rotate(
  engine: EngineContext,
  before: TokenFamily,
  matched: MatchedPresentation,
): Rotation {
  const { claims, shown } = matched
  const plan = planRotation(engine, before, matched)
  if (!plan.mints) return { family: plan.family }
  // A record that knows the secret by another digest could not recognise its successor's parent.
  const linked = shown.digest !== claims.digest
  const family = linked ? withDigest(plan.family, claims.digest) : plan.family
  const token = successor(engine, claims, matched.presentation.at)
  return claims.kind === 'refresh' ? { family, refreshToken: token } : { family, token }
}

/** A new family with the token of its first secret: everything before it is dead. */
export function newFamily(
  { codec, host }: Pick<EngineContext, 'codec' | 'host'>,
  from: Pick<Claims, 'session' | 'kind'> & { readonly context: string; readonly at: number },
  repeated?: { readonly parent: Uint8Array; readonly until: number },
): { readonly family: TokenFamily; readonly token: string } {
  const { session, kind, context, at } = from
  const family = Buffer.from(host.random(FAMILY_BYTES)).toString('hex')
  const { token, digest } = codec.mint({
    ...{ session, kind, family, generation: 1, mintedAt: at },
    ...(repeated === undefined ? {} : { parent: repeated.parent }),
  })
  const first = firstSecret(
    { digest, at, kind },
    repeated && { parent: codec.linkDigest(repeated.parent), until: repeated.until },
  )
  return { family: { id: family, ...first, contexts: [context] }, token }
}

/** The event of a successor that was shown for the first time. */
export function rotationEvents(
  { eventWriter }: EngineContext,
  matched: MatchedPresentation,
  owner: EventFacts['owner'],
): readonly MadeEvent[] {
  // A refresh token that rotates as usual is sampled elsewhere.
  if (matched.rotation.status !== 'next' || matched.claims.kind === 'refresh') return []
  return [eventWriter.event('secret-rotated', { ...factsOf(matched, owner), actor: 'engine' })]
}

const FAMILY_BYTES = 8

function successor({ codec }: EngineContext, claims: Claims, mintedAt: number): string {
  const { session, kind, family, generation, link: parent, parentLink: grandparent } = claims
  const next = generation + 1
  return codec.mintToken({ session, kind, family, generation: next, mintedAt, parent, grandparent })
}

function withDigest(family: TokenFamily, digest: string): TokenFamily {
  return { ...family, current: { ...family.current, digest } }
}
