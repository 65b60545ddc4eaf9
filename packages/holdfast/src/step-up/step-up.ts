import { createHash } from 'node:crypto'
import { systemHost } from '../codecs/system-host.ts'
import { SessionError } from '../core/errors.ts'
import type { Host } from '../core/host.ts'
import { group, hostOption, list, made, needed, passing, words } from '../core/option-kinds.ts'
import { checked, type OptionsOf, type OptionTable } from '../core/options.ts'
import type { RequestFacts } from '../core/request.ts'
import { type Enrolment, enrolment } from './enrolment.ts'
import {
  changeFactors,
  FACTORS,
  type Factor,
  type FactorOwner,
  type FactorStore,
  NO_FACTORS,
} from './factors.ts'
import { afterProof, mayGuess, networkOf } from './guesses.ts'
import type { StepUpParts } from './parts.ts'
import { type PasskeyOptions, passkeys, type RelyingParty } from './passkeys.ts'
import { type Answer, hasFactor, proveFactor } from './prove.ts'
import { type Begun, type Tickets, tickets } from './tickets.ts'

/** Options of {@link stepUp}. */
export interface StepUpOptions {
  readonly store: FactorStore
  /** What authenticators call the site. */
  readonly name: string
  /** Who asks for passkeys. Default: nobody, and `@simplewebauthn/server` is not needed. */
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

/** The options of `stepUp()`. */
export const STEP_UP_OPTIONS = {
  of: 'stepUp()',
  fields: {
    store: needed(
      made<FactorStore>("a store of factors, such as memoryFactors() of 'holdfast/step-up'", [
        'read',
        'write',
      ]),
      'store: memoryFactors()',
    ),
    name: needed(words('what authenticators call the site'), "name: 'Shop'"),
    relyingParty: group<RelyingParty>()({
      id: needed(words('a domain'), "id: 'shop.example'"),
      origins: needed(list(words('an origin')), "origins: ['https://shop.example']"),
    }),
    acr: group<Readonly<Record<Factor, string>>>()({
      passkey: needed(words('an acr'), "passkey: 'phr'"),
      totp: needed(words('an acr'), "totp: 'mfa'"),
      recovery: needed(words('an acr'), "recovery: 'recovery'"),
    }),
    key: passing<Uint8Array>('32 random bytes', (value) => value instanceof Uint8Array),
    host: hostOption,
  } satisfies OptionsOf<StepUpOptions>,
  aliases: {
    rp: 'relyingParty',
    rpId: "write relyingParty: { id: 'shop.example', origins: ['https://shop.example'] }",
    origin: "write relyingParty: { id: 'shop.example', origins: ['https://shop.example'] }",
    issuer: 'name',
    secret: 'key',
    factors: 'store',
  },
} satisfies OptionTable

/** What the page can ask for, the strongest first. */
export interface Offer {
  readonly factors: readonly Factor[]
  /** For a hidden field of the page: with the answer, `begun(ticket)` gives what was begun. */
  readonly ticket: string
  /**
   * For `provePasskey` of `holdfast/browser/step-up-page`; bound to this challenge. Absent without
   * a passkey.
   */
  readonly passkey?: PasskeyOptions
}

/** What was proved, for `completeStepUp`. */
export interface FactorProof extends FactorOwner {
  readonly challenge: string
  readonly acr: string
  readonly amr: readonly string[]
}

/** The request that brought the answer, and the adapter's calls that report what came of it. */
export interface StepUpCalls<Done> {
  readonly request: Pick<RequestFacts, 'ip'>
  /**
   * `(challenge) => guard.stepUpFailed(request, challenge)`, for each wrong answer that tells of
   * somebody else, and for no other.
   */
  failed(challenge: string): Promise<unknown>
  /** `(proof) => guard.completeStepUp(request, response, proof)`. */
  complete(proof: FactorProof): Promise<Done>
}

/**
 * Why nothing was proved.
 *
 * - `wrong`: the answer was wrong. It has been reported, but for a code that counted already and
 *   comes again from where a factor was proved; ask again.
 * - `too_many`: there were too many wrong codes from this network, and this one was not looked at.
 *   A passkey or a recovery code still counts.
 * - `over`: the challenge has expired or was answered before. Begin again.
 */
export interface Unproved {
  readonly ok: false
  readonly unproved: 'wrong' | 'too_many' | 'over'
}

/** Passkeys, one-time passwords and recovery codes for Holdfast's step-up. */
export interface StepUp extends Enrolment, Tickets {
  /** `acr`: what the interrupted route asked for. Factors that prove less are left out. */
  offer(begun: Begun, requirements?: { readonly acr?: string | undefined }): Promise<Offer>
  /** Checks an answer and reports what came of it. Each challenge counts once. */
  prove<Done>(begun: Begun, answer: Answer, calls: StepUpCalls<Done>): Promise<Done | Unproved>
}

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
  checked(STEP_UP_OPTIONS, options)
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

    async offer(begunStepUp, requirements = {}) {
      const { subject, tenant, challenge } = begunStepUp
      const ticket = issue(begunStepUp)
      const kept = (await store.read({ subject, tenant }))?.factors ?? NO_FACTORS
      const able = FACTORS.filter(
        (factor) => hasFactor(kept, factor) && isEnough(factor, requirements.acr, acr),
      )
      if (!able.includes('passkey') || parts.passkeys === undefined) {
        return { ticket, factors: able.filter((factor) => factor !== 'passkey') }
      }
      const passkey = await parts.passkeys.requestOptions(kept, challenge)
      return { ticket, factors: able, passkey }
    },

    async prove(begunStepUp, answer, { request, failed, complete }) {
      const { subject, tenant, challenge } = begunStepUp
      const outcome = await checkAnswer(parts, begunStepUp, { answer, request })
      if (outcome.ok) {
        const { factor, amr } = outcome
        return complete({ subject, tenant, challenge, acr: acr[factor], amr })
      }
      const { unproved } = outcome
      // A code that counted already, from where a factor was proved, is no evidence of a thief.
      if (unproved === 'wrong' && !outcome.isUsed) await failed(challenge)
      return { ok: false, unproved }
    },
  }
}

/**
 * Whether a factor is at least as strong as the one that proves the wanted `acr`. Factors are
 * listed from the strongest to the weakest.
 */
function isEnough(
  factor: Factor,
  wanted: string | undefined,
  acr: Readonly<Record<Factor, string>>,
): boolean {
  const least = FACTORS.find((one) => acr[one] === wanted)
  return least === undefined || FACTORS.indexOf(factor) <= FACTORS.indexOf(least)
}

type AnswerOutcome =
  | { readonly ok: true; readonly factor: Factor; readonly amr: readonly string[] }
  | (Unproved & { readonly isUsed?: boolean })

/** Checks an answer and keeps what came of it in one step, so that no answer counts twice. */
function checkAnswer(
  parts: StepUpParts,
  { subject, tenant, challenge, expiresAt }: Begun,
  { answer, request }: { readonly answer: Answer; readonly request: Pick<RequestFacts, 'ip'> },
): Promise<AnswerOutcome> {
  const owner = { subject, tenant }
  const at = parts.host.now()
  const network = networkOf(request.ip)
  const answered = { challenge: digestOfChallenge(challenge), until: expiresAt }

  return changeFactors<AnswerOutcome>(parts.store, owner, async (kept = NO_FACTORS) => {
    const before = kept.spent.some((one) => one.challenge === answered.challenge)
    if (before || expiresAt <= at) return { result: { ok: false, unproved: 'over' } }
    if (answer.factor === 'totp' && !mayGuess(kept, network, at)) {
      return { result: { ok: false, unproved: 'too_many' } }
    }
    const proved = await proveFactor(parts, kept, { owner, challenge, answer, network, at })
    if (!proved.ok) {
      const { isUsed = false } = proved
      const result = { ok: false, unproved: 'wrong', isUsed } as const
      return proved.change === undefined
        ? { result }
        : { next: { ...kept, ...proved.change }, result }
    }
    const { factor, amr, change } = proved
    const spent = [...kept.spent.filter(({ until }) => until > at), answered].slice(-MAX_SPENT)
    const next = { ...kept, ...change, ...afterProof(kept, network), spent }
    return { next, result: { ok: true, factor, amr } }
  })
}

const MAX_SPENT = 16

function digestOfChallenge(challenge: string): string {
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
