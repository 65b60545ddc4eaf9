import { createHash } from 'node:crypto'
import type * as Webauthn from '@simplewebauthn/server'
import { sameText } from '../core/constant-time.ts'
import { CHALLENGE_MS } from '../core/lifetimes.ts'
import { optionalPackage } from '../core/optional-package.ts'
import type { Factors, Passkey } from './factors.ts'

/** Whose passkeys they are: the site's. */
export interface RelyingParty {
  /**
   * A registrable domain suffix of the origins, without scheme and port, as in `shop.example`.
   * Fixed for ever.
   */
  readonly id: string
  /** The exact origins of the pages that ask, as in `https://shop.example`. */
  readonly origins: readonly string[]
}

/**
 * What a page hands to `navigator.credentials`: JSON, as
 * `PublicKeyCredential.parse...OptionsFromJSON` takes it.
 */
export type PasskeyOptions = Readonly<Record<string, unknown>>

/** ES256, EdDSA, RS256: what every runtime of the library can verify. */
const ALGORITHMS = [-7, -8, -257]
const MAX_ASSERTION_LENGTH = 8192
const MAX_REGISTRATION_LENGTH = 16_384

/** Passkeys, by the `@simplewebauthn/server` of the application. */
export interface Passkeys {
  requestOptions(factors: Factors, challenge: string): Promise<PasskeyOptions>
  /** The passkey as it is after this proof; undefined when it proves nothing. */
  verify(
    factors: Factors,
    answer: { readonly challenge: string; readonly value: string; readonly at: number },
  ): Promise<Passkey | undefined>
  creationOptions(
    factors: Factors,
    about: { readonly challenge: string; readonly name: string; readonly account: string },
  ): Promise<PasskeyOptions>
  register(
    challenge: string,
    answer: { readonly value: string; readonly name: string; readonly at: number },
  ): Promise<Passkey | undefined>
}

/** `site`: what browsers and authenticators call the site. */
export function passkeys(party: RelyingParty, site: string): Passkeys {
  return { ...authentication(party), ...registration(party, site) }
}

function authentication(party: RelyingParty): Pick<Passkeys, 'requestOptions' | 'verify'> {
  return {
    async requestOptions({ passkeys: all }, challenge) {
      const { generateAuthenticationOptions } = await library()
      const options = await generateAuthenticationOptions({
        rpID: party.id,
        challenge: Buffer.from(webauthnChallenge(challenge), 'base64url'),
        allowCredentials: all.filter(({ cloned }) => !cloned).map(descriptor),
        userVerification: 'required',
        timeout: CHALLENGE_MS,
      })
      return { ...options }
    },

    async verify({ passkeys: all, handle }, { challenge, value, at }) {
      const response = parsed(value, MAX_ASSERTION_LENGTH)
      const passkey = all.find((one) => one.id === response?.id)
      if (response === undefined || passkey === undefined || passkey.cloned) return undefined
      const { userHandle } = response.response
      if (typeof userHandle === 'string' && !sameText(userHandle, handle)) return undefined
      const { verifyAuthenticationResponse } = await library()
      const verified = await orUndefined(() =>
        verifyAuthenticationResponse({
          response: response as unknown as Webauthn.AuthenticationResponseJSON,
          expectedChallenge: webauthnChallenge(challenge),
          expectedOrigin: [...party.origins],
          expectedRPID: party.id,
          requireUserVerification: true,
          // Compared below, so that a counter that went back differs from a wrong signature.
          credential: { id: passkey.id, publicKey: keyOf(passkey), counter: 0 },
        }),
      )
      if (verified?.verified !== true) return undefined
      const { newCounter } = verified.authenticationInfo
      const counts = newCounter > 0 || passkey.counter > 0
      if (counts && newCounter <= passkey.counter) return { ...passkey, cloned: true }
      return { ...passkey, counter: newCounter, lastUsedAt: at }
    },
  }
}

function registration(
  party: RelyingParty,
  site: string,
): Pick<Passkeys, 'creationOptions' | 'register'> {
  return {
    async creationOptions({ passkeys: all, handle }, { challenge, account }) {
      const { generateRegistrationOptions } = await library()
      const options = await generateRegistrationOptions({
        rpName: site,
        rpID: party.id,
        userName: account,
        userID: Buffer.from(handle, 'base64url'),
        challenge: Buffer.from(challenge, 'base64url'),
        attestationType: 'none',
        excludeCredentials: all.map(descriptor),
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
        supportedAlgorithmIDs: ALGORITHMS,
        timeout: CHALLENGE_MS,
      })
      return { ...options }
    },

    async register(challenge, { value, name, at }) {
      const response = parsed(value, MAX_REGISTRATION_LENGTH)
      if (response === undefined) return undefined
      const { verifyRegistrationResponse } = await library()
      const verified = await orUndefined(() =>
        verifyRegistrationResponse({
          response: response as unknown as Webauthn.RegistrationResponseJSON,
          expectedChallenge: challenge,
          expectedOrigin: [...party.origins],
          expectedRPID: party.id,
          requireUserVerification: true,
          supportedAlgorithmIDs: ALGORITHMS,
        }),
      )
      if (verified?.verified !== true) return undefined
      const { credential, credentialDeviceType } = verified.registrationInfo
      return {
        id: credential.id,
        publicKey: Buffer.from(credential.publicKey).toString('base64url'),
        counter: credential.counter,
        deviceBound: credentialDeviceType === 'singleDevice',
        transports: transportsOf(response),
        name,
        createdAt: at,
        lastUsedAt: null,
        cloned: false,
      }
    },
  }
}

/** The WebAuthn challenge of a Holdfast challenge. Whoever signs the one answers the other. */
function webauthnChallenge(challenge: string): string {
  return createHash('sha256').update(challenge).digest('base64url')
}

function library(): Promise<typeof Webauthn> {
  return optionalPackage(() => import('@simplewebauthn/server'), {
    whatFor: 'stepUp() with passkeys',
    name: '@simplewebauthn/server',
    version: '14',
  })
}

/**
 * `@simplewebauthn/server` throws plain errors for whatever is wrong with an answer: another
 * origin, challenge or RP id, no user verification, broken encodings. All of it the client can
 * cause, and all of it proves nothing.
 */
async function orUndefined<Result>(verify: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await verify()
  } catch {
    return undefined
  }
}

interface Answered {
  readonly id: string
  readonly response: Readonly<Record<string, unknown>>
}

/**
 * The answer's JSON; undefined for one that is too long, that is none, or that another site's frame
 * asked for.
 */
function parsed(value: string, most: number): Answered | undefined {
  if (value.length > most) return undefined
  try {
    const answer: unknown = JSON.parse(value)
    if (!isObject(answer) || typeof answer.id !== 'string' || !isObject(answer.response)) {
      return undefined
    }
    const { clientDataJSON } = answer.response
    if (typeof clientDataJSON !== 'string') return undefined
    const client: unknown = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString())
    // A page of another site that frames this one (WebAuthn Level 3, section 5.8.1).
    if (!isObject(client) || client.crossOrigin === true) return undefined
    return { ...answer, id: answer.id, response: answer.response }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const TRANSPORTS = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'] as const
type Transport = (typeof TRANSPORTS)[number]

function transportsOf({ response: { transports } }: Answered): readonly Transport[] {
  return Array.isArray(transports) ? TRANSPORTS.filter((one) => transports.includes(one)) : []
}

function descriptor({ id, transports }: Passkey): { id: string; transports: Transport[] } {
  return { id, transports: TRANSPORTS.filter((one) => transports.includes(one)) }
}

function keyOf({ publicKey }: Passkey): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(publicKey, 'base64url'))
}
