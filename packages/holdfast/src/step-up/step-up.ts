import { createHash } from 'node:crypto'
import { systemHost } from '../codecs/system-host.ts'
import { SessionError } from '../core/errors.ts'
import type { Host } from '../core/host.ts'
import type { RequestFacts } from '../core/request.ts'
import { afterProof, mayGuess, networkOf } from './attempts.ts'
import { type Enrolment, enrolment, NONE } from './enrolment.ts'
import { change, FACTORS, type Factor, type FactorOwner, type FactorStore } from './factors.ts'
import { type PasskeyOptions, type Passkeys, passkeys, type RelyingParty } from './passkeys.ts'
import { has, provedBy } from './proved.ts'
import { type Begun, type Tickets, tickets } from './tickets.ts'

/** What {@link stepUp} is made of. */
export interface StepUpOptions {
  readonly store: FactorStore
  /** What authenticators call the site. */
  readonly name: string
  /**
   * Who asks for passkeys. Without it there are none, and `@simplewebauthn/server` is not needed.
   */
  readonly relyingParty?: RelyingParty
  /** The `acr` that each factor proves. Default {@link STEP_UP_ACR}. */
  readonly acr?: Readonly<Record<Factor, string>>
  /**
   * Seals tickets: 32 random bytes, the same in all processes. Default: random, for one process.
   */
  readonly key?: Uint8Array
  readonly host?: Host
}

/**
 * The `acr` that each factor proves unless said otherwise: `phr` is phishing-resistant (OpenID EAP
 * ACR values). Give the engine or the service `acrOrder: ['recovery', 'mfa', 'phr']` where routes
 * ask for one of them.
 */
export const STEP_UP_ACR = { passkey: 'phr', totp: 'mfa', recovery: 'recovery' } as const

/** What the page can ask for, the strongest first. */
export interface Offer {
  readonly factors: readonly Factor[]
  /** For a hidden field of the page: `begun(ticket)` says at the answer what was begun. */
  readonly ticket: string
  /**
   * For `provePasskey` of `holdfast/browser/step-up-page`; bound to this challenge. Absent without
   * a passkey.
   */
  readonly passkey?: PasskeyOptions
}

/** What the form of the step-up page brought. Texts of any length: what is too long is wrong. */
export interface Answer {
  readonly factor: string
  readonly value: string
}

/** What to tell Holdfast: the proof for `completeStepUp`. */
export interface FactorProof extends FactorOwner {
  readonly challenge: string
  readonly acr: string
  readonly amr: readonly string[]
}

/** Where the answer came from, and how Holdfast hears of it: the calls of the adapter in use. */
export interface Telling<Done> {
  readonly request: Pick<RequestFacts, 'ip'>
  /**
   * `(challenge) => guard.stepUpFailed(request, challenge)`: called for each wrong answer, and for
   * no other.
   */
  failed(challenge: string): Promise<unknown>
  /** `(proof) => guard.completeStepUp(request, response, proof)`. */
  complete(proof: FactorProof): Promise<Done>
}

/**
 * Why nothing was proved.
 *
 * - `wrong`: the answer. Holdfast has been told; ask again.
 * - `too_many`: wrong codes from here; this one was not looked at. A passkey or a recovery code
 * still counts.
 * - `over`: the challenge has expired or was answered before. Begin again.
 */
export interface Unproved {
  readonly ok: false
  readonly unproved: 'wrong' | 'too_many' | 'over'
}

/** Passkeys, one-time passwords and recovery codes for Holdfast's step-up. */
export interface StepUp extends Enrolment, Tickets {
  /** `acr`: what the interrupted route asked for; factors that would not do are left out. */
  offer(begun: Begun, requirements?: { readonly acr?: string | undefined }): Promise<Offer>
  /** Judges an answer and tells Holdfast of it. Each challenge counts once. */
  prove<Done>(begun: Begun, answer: Answer, telling: Telling<Done>): Promise<Done | Unproved>
}

/** What the parts of a step-up share. */
export interface StepUpParts {
  readonly store: FactorStore
  readonly host: Host
  readonly name: string
  readonly passkeys: Passkeys | undefined
}

const MOST_SPENT = 16

/**
 * Step-up that is ready to use. Throws `config_invalid` for a relying party that no browser would
 * accept.
 *
 * @example
 * const factors = stepUp({
 *   store,
 *   name: 'Shop',
 *   relyingParty: { id: 'shop.example', origins: ['https://shop.example'] },
 * })
 */
export function stepUp(options: StepUpOptions): StepUp {
  const { store, name, relyingParty, key, acr = STEP_UP_ACR, host = systemHost() } = options
  if (relyingParty !== undefined) checkParty(relyingParty)
  const parts: StepUpParts = {
    store,
    host,
    name,
    passkeys: relyingParty === undefined ? undefined : passkeys(relyingParty, name),
  }

  const { begun, issue } = tickets({ key, host })

  return {
    ...enrolment(parts),
    begun,

    async offer(asked, requirements = {}) {
      const { subject, tenant, challenge } = asked
      const ticket = issue(asked)
      const factors = (await store.read({ subject, tenant }))?.factors ?? NONE
      const able = FACTORS.filter(
        (factor) => has(factors, factor) && enough(factor, requirements.acr),
      )
      if (!able.includes('passkey') || parts.passkeys === undefined) {
        return { ticket, factors: able.filter((factor) => factor !== 'passkey') }
      }
      const passkey = await parts.passkeys.requestOptions(factors, challenge)
      return { ticket, factors: able, passkey }
    },

    async prove(asked, answer, { request, failed, complete }) {
      const { subject, tenant, challenge, expiresAt } = asked
      const owner = { subject, tenant }
      const at = host.now()
      const place = networkOf(request.ip)
      const spending = { challenge: spentMark(challenge), until: expiresAt }
      const judged = await change<Judged>(store, owner, async (kept = NONE) => {
        const over =
          expiresAt <= at || kept.spent.some((one) => one.challenge === spending.challenge)
        if (over) return { result: { ok: false, unproved: 'over' } }
        if (answer.factor === 'totp' && !mayGuess(kept, place, at)) {
          return { result: { ok: false, unproved: 'too_many' } }
        }
        const proved = await provedBy(parts, kept, { owner, challenge, answer, place, at })
        if (!proved.ok) {
          const { change: changed } = proved
          const result = { ok: false, unproved: 'wrong' } as const
          return changed === undefined ? { result } : { next: { ...kept, ...changed }, result }
        }
        const spent = [...kept.spent.filter(({ until }) => until > at), spending].slice(-MOST_SPENT)
        const next = { ...kept, ...proved.change, ...afterProof(kept, place), spent }
        const { factor, amr } = proved
        return { next, result: { ok: true, factor, amr } }
      })
      if (judged.ok)
        return complete({ ...owner, challenge, acr: acr[judged.factor], amr: judged.amr })
      if (judged.unproved === 'wrong') await failed(challenge)
      return judged
    },
  }

  /**
   * Without an order of their own, these count as they are listed: what is at least as strong as
   * the named one will do.
   */
  function enough(factor: Factor, wanted: string | undefined): boolean {
    const least = FACTORS.find((one) => acr[one] === wanted)
    return least === undefined || FACTORS.indexOf(factor) <= FACTORS.indexOf(least)
  }
}

type Judged =
  | { readonly ok: true; readonly factor: Factor; readonly amr: readonly string[] }
  | Unproved

function spentMark(challenge: string): string {
  return createHash('sha256').update(challenge).digest('base64url')
}

function checkParty({ id, origins }: RelyingParty): void {
  for (const origin of origins) {
    const url = URL.canParse(origin) ? new URL(origin) : undefined
    const secure = url?.protocol === 'https:' || url?.hostname === 'localhost'
    const within = url?.hostname === id || url?.hostname.endsWith(`.${id}`) === true
    if (url?.origin !== origin || !secure || !within) {
      throw new SessionError(
        'config_invalid',
        `relyingParty.origins: ${JSON.stringify(origin).slice(0, 128)} is not an https origin ` +
          `within ${JSON.stringify(id).slice(0, 128)}.`,
      )
    }
  }
  if (origins.length === 0) {
    throw new SessionError('config_invalid', 'relyingParty.origins must name at least one origin.')
  }
}
