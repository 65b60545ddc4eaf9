import { toBase64url } from '../core/base64url.ts'
import { SessionError } from '../core/errors.ts'
import { change, type FactorOwner, type Factors, type Passkey, type Pending } from './factors.ts'
import type { PasskeyOptions } from './passkeys.ts'
import { digestOf, newCodes } from './recovery.ts'
import type { StepUpParts } from './step-up.ts'
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
 * Adds and removes factors. A factor is as good as the key to the house: keep all of these behind
 * `requireSession({ sensitivity: 'sensitive', maxAgeMs: 10 * 60_000 })`.
 */
export interface Enrolment {
  show(owner: FactorOwner): Promise<EnrolledFactors>
  /**
   * `account`: what authenticators call this user. Good for ten minutes, in this session. At most
   * 16 passkeys.
   */
  beginPasskey(session: Enrolling, account: string): Promise<PasskeyOptions>
  /**
   * `value`: what `newPasskey` of `holdfast/browser/step-up-page` made. False when it does not
   * belong to what was begun here.
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

const PENDING_MS = 10 * 60_000
const MAX_PASSKEYS = 16
const MAX_NAME = 64
const BYTES = 32

export function enrolment({ store, host, name, passkeys }: StepUpParts): Enrolment {
  const random = (): string => toBase64url(host.random(BYTES))
  const begun = (factors: Factors | undefined): Factors => factors ?? { ...NONE, handle: random() }
  const asked = (): NonNullable<typeof passkeys> => {
    if (passkeys !== undefined) return passkeys
    throw new SessionError('config_invalid', 'stepUp() was given no relyingParty for passkeys.')
  }

  function pendingOf(
    { pending }: Factors,
    factor: Pending['factor'],
    session: string,
  ): string | undefined {
    const good =
      pending?.factor === factor && pending.session === session && pending.expiresAt > host.now()
    return good ? pending.value : undefined
  }

  return {
    async show(owner) {
      const { passkeys: all, totp, recovery } = (await store.read(owner))?.factors ?? NONE
      return {
        passkeys: all.map(({ publicKey: _key, ...shown }) => shown),
        totp: totp !== null,
        recovery: recovery.length,
      }
    },

    async beginPasskey(session, account) {
      const value = random()
      const factors = await change(store, ownerOf(session), (kept) => {
        const next = { ...begun(kept), pending: pending('passkey', session, value) }
        return { next, result: next }
      })
      return asked().creationOptions(factors, { challenge: value, name, account })
    },

    finishPasskey(session, { value, name: given }) {
      return change(store, ownerOf(session), async (kept) => {
        const challenge = kept && pendingOf(kept, 'passkey', session.id)
        if (kept === undefined || challenge === undefined) return { result: false }
        if (typeof value !== 'string' || typeof given !== 'string') return { result: false }
        const about = { value, name: given.slice(0, MAX_NAME), at: host.now() }
        const made = await asked().register(challenge, about)
        const fits =
          made !== undefined &&
          kept.passkeys.length < MAX_PASSKEYS &&
          kept.passkeys.every(({ id }) => id !== made.id)
        if (!fits) return { result: false }
        return {
          next: { ...kept, pending: null, passkeys: [...kept.passkeys, made] },
          result: true,
        }
      })
    },

    removePasskey(owner, id) {
      return change(store, ownerOf(owner), (kept) => {
        const left = kept?.passkeys.filter((one) => one.id !== id) ?? []
        if (kept === undefined || left.length === kept.passkeys.length) return { result: false }
        return { next: { ...kept, passkeys: left }, result: true }
      })
    },

    async beginTotp(session, account) {
      const secret = await newSecret(host)
      const uri = await totpUri(secret, name, account)
      return change(store, ownerOf(session), (kept) => ({
        next: { ...begun(kept), pending: pending('totp', session, secret) },
        result: { secret, uri },
      }))
    },

    finishTotp(session, code) {
      return change(store, ownerOf(session), async (kept) => {
        const secret = kept && pendingOf(kept, 'totp', session.id)
        if (kept === undefined || secret === undefined) return { result: false }
        if (typeof code !== 'string') return { result: false }
        const lastStep = await matchingStep({ secret, lastStep: 0 }, code, host.now())
        if (lastStep === undefined) return { result: false }
        return { next: { ...kept, pending: null, totp: { secret, lastStep } }, result: true }
      })
    },

    async importTotp(owner, given) {
      const secret = await checkedSecret(given)
      return change(store, ownerOf(owner), (kept) => ({
        next: { ...begun(kept), totp: { secret, lastStep: 0 } },
        result: undefined,
      }))
    },

    removeTotp(owner) {
      return change(store, ownerOf(owner), (kept) =>
        kept === undefined
          ? { result: undefined }
          : { next: { ...kept, totp: null }, result: undefined },
      )
    },

    newRecoveryCodes(owner) {
      const codes = newCodes(host)
      const recovery = codes.map((code) => digestOf(ownerOf(owner), code))
      return change(store, ownerOf(owner), (kept) => ({
        next: { ...begun(kept), recovery },
        result: codes,
      }))
    },
  }

  function pending(factor: Pending['factor'], session: Enrolling, value: string): Pending {
    return { factor, session: session.id, value, expiresAt: host.now() + PENDING_MS }
  }
}

/** What a subject has who has nothing yet. */
export const NONE: Factors = {
  handle: '',
  passkeys: [],
  totp: null,
  recovery: [],
  pending: null,
  spent: [],
  wrong: { count: 0, recent: [] },
  places: [],
}

function ownerOf({ subject, tenant }: FactorOwner): FactorOwner {
  return { subject, tenant }
}
