import { toBase64url } from '../core/base64url.ts'
import { SessionError } from '../core/errors.ts'
import {
  changeFactors,
  type FactorOwner,
  type Factors,
  NO_FACTORS,
  type Passkey,
  type Pending,
} from './factors.ts'
import type { StepUpParts } from './parts.ts'
import type { PasskeyOptions, Passkeys } from './passkeys.ts'
import { digestOf, newCodes } from './recovery.ts'
import { checkedSecret, matchingStep, newSecret, totpUri } from './totp.ts'

/** The session in which a factor is added: what `sessionOf(request)` gives. */
export interface Enrolling extends FactorOwner {
  readonly id: string
}

/** A subject's factors as an account page shows them. */
export interface EnrolledFactors {
  readonly passkeys: readonly Omit<Passkey, 'publicKey'>[]
  readonly totp: boolean
  /** Recovery codes that are left. */
  readonly recovery: number
}

/**
 * Adds and removes factors. Whoever adds a factor can come back with it, so keep all of these calls
 * behind `requireSession({ sensitivity: 'sensitive', maxAge: '10m' })`.
 */
export interface Enrolment {
  show(owner: FactorOwner): Promise<EnrolledFactors>
  /**
   * `account`: what authenticators call this user. It has to be finished within ten minutes, in
   * this session. A subject has at most 16 passkeys.
   */
  beginPasskey(session: Enrolling, account: string): Promise<PasskeyOptions>
  /**
   * `value`: what `newPasskey` of `holdfast/browser/step-up-page` made. False when it does not
   * answer what was begun in this session.
   */
  finishPasskey(
    session: Enrolling,
    made: { readonly value: string; readonly name: string },
  ): Promise<boolean>
  /** False when there is none of that id. */
  removePasskey(owner: FactorOwner, id: string): Promise<boolean>
  /** A new secret, to be shown once. The old one stays until the new one is proved. */
  beginTotp(
    session: Enrolling,
    account: string,
  ): Promise<{ readonly secret: string; readonly uri: string }>
  /** False for a wrong code. */
  finishTotp(session: Enrolling, code: string): Promise<boolean>
  /**
   * Takes over a secret that was proved elsewhere. Base32; throws `config_invalid` for what is none
   * of 80 bits or more.
   */
  importTotp(owner: FactorOwner, secret: string): Promise<void>
  removeTotp(owner: FactorOwner): Promise<void>
  /** Ten new codes, to be shown once; the old ones are void. Digests of them are kept. */
  newRecoveryCodes(owner: FactorOwner): Promise<readonly string[]>
}

export function enrolment(parts: StepUpParts): Enrolment {
  return {
    ...passkeyEnrolment(parts),
    ...totpEnrolment(parts),

    async show(owner) {
      const { passkeys, totp, recovery } = (await parts.store.read(owner))?.factors ?? NO_FACTORS
      return {
        passkeys: passkeys.map(({ publicKey: _key, ...shown }) => shown),
        totp: totp !== null,
        recovery: recovery.length,
      }
    },

    newRecoveryCodes(owner) {
      const codes = newCodes(parts.host)
      const recovery = codes.map((code) => digestOf(ownerOf(owner), code))
      return changeFactors(parts.store, ownerOf(owner), (kept) => ({
        next: { ...recordOf(parts, kept), recovery },
        result: codes,
      }))
    },
  }
}

type PasskeyCalls = Pick<Enrolment, 'beginPasskey' | 'finishPasskey' | 'removePasskey'>

function passkeyEnrolment(parts: StepUpParts): PasskeyCalls {
  const { store, host, name: site } = parts

  function required(): Passkeys {
    if (parts.passkeys !== undefined) return parts.passkeys
    throw new SessionError('config_invalid', 'stepUp() was given no relyingParty for passkeys.')
  }

  return {
    async beginPasskey(session, account) {
      const challenge = randomText(parts)
      const factors = await changeFactors(store, ownerOf(session), (kept) => {
        const pending = pendingFactor(parts, session, { factor: 'passkey', value: challenge })
        const next = { ...recordOf(parts, kept), pending }
        return { next, result: next }
      })
      return required().creationOptions(factors, { challenge, name: site, account })
    },

    finishPasskey(session, { value, name }) {
      return changeFactors(store, ownerOf(session), async (kept) => {
        const challenge = kept && pendingValue(parts, kept, { factor: 'passkey', session })
        if (kept === undefined || challenge === undefined) return { result: false }
        if (typeof value !== 'string' || typeof name !== 'string') return { result: false }
        const about = { value, name: name.slice(0, MAX_NAME), at: host.now() }
        const made = await required().register(challenge, about)
        const fits =
          made !== undefined &&
          kept.passkeys.length < MAX_PASSKEYS &&
          kept.passkeys.every(({ id }) => id !== made.id)
        if (!fits) return { result: false }
        const next = { ...kept, pending: null, passkeys: [...kept.passkeys, made] }
        return { next, result: true }
      })
    },

    removePasskey(owner, id) {
      return changeFactors(store, ownerOf(owner), (kept) => {
        const left = kept?.passkeys.filter((one) => one.id !== id) ?? []
        if (kept === undefined || left.length === kept.passkeys.length) return { result: false }
        return { next: { ...kept, passkeys: left }, result: true }
      })
    },
  }
}

type TotpCalls = Pick<Enrolment, 'beginTotp' | 'finishTotp' | 'importTotp' | 'removeTotp'>

function totpEnrolment(parts: StepUpParts): TotpCalls {
  const { store, host, name: site } = parts

  return {
    async beginTotp(session, account) {
      const secret = await newSecret(host)
      const uri = await totpUri(secret, site, account)
      const pending = pendingFactor(parts, session, { factor: 'totp', value: secret })
      return changeFactors(store, ownerOf(session), (kept) => ({
        next: { ...recordOf(parts, kept), pending },
        result: { secret, uri },
      }))
    },

    finishTotp(session, code) {
      return changeFactors(store, ownerOf(session), async (kept) => {
        const secret = kept && pendingValue(parts, kept, { factor: 'totp', session })
        if (kept === undefined || secret === undefined) return { result: false }
        if (typeof code !== 'string') return { result: false }
        const lastStep = await matchingStep({ secret, lastStep: 0 }, code, host.now())
        if (typeof lastStep !== 'number') return { result: false }
        return { next: { ...kept, pending: null, totp: { secret, lastStep } }, result: true }
      })
    },

    async importTotp(owner, given) {
      const secret = await checkedSecret(given)
      return changeFactors(store, ownerOf(owner), (kept) => ({
        next: { ...recordOf(parts, kept), totp: { secret, lastStep: 0 } },
        result: undefined,
      }))
    },

    removeTotp(owner) {
      return changeFactors(store, ownerOf(owner), (kept) =>
        kept === undefined
          ? { result: undefined }
          : { next: { ...kept, totp: null }, result: undefined },
      )
    },
  }
}

const PENDING_MS = 10 * 60_000
const MAX_PASSKEYS = 16
const MAX_NAME = 64
const RANDOM_BYTES = 32

/** The subject's record, or a new one with a handle of its own. */
function recordOf(parts: StepUpParts, kept: Factors | undefined): Factors {
  return kept ?? { ...NO_FACTORS, handle: randomText(parts) }
}

function randomText({ host }: StepUpParts): string {
  return toBase64url(host.random(RANDOM_BYTES))
}

function pendingFactor(
  { host }: StepUpParts,
  session: Enrolling,
  { factor, value }: Pick<Pending, 'factor' | 'value'>,
): Pending {
  return { factor, session: session.id, value, expiresAt: host.now() + PENDING_MS }
}

/** What was begun with this factor in this session; undefined when it has expired. */
function pendingValue(
  { host }: StepUpParts,
  { pending }: Factors,
  { factor, session }: { readonly factor: Pending['factor']; readonly session: Enrolling },
): string | undefined {
  const good =
    pending?.factor === factor && pending.session === session.id && pending.expiresAt > host.now()
  return good ? pending.value : undefined
}

function ownerOf({ subject, tenant }: FactorOwner): FactorOwner {
  return { subject, tenant }
}
