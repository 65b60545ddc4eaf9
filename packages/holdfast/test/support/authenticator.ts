import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import type { PasskeyOptions } from '../../src/step-up/passkeys.ts'

export const ORIGIN = 'https://shop.example'
export const RP_ID = 'shop.example'

/** What may be wrong with an answer; what is left out is right. */
export interface Made {
  readonly origin?: string
  readonly rpId?: string
  readonly challenge?: string
  readonly crossOrigin?: boolean
  readonly userVerified?: boolean
  /** Default: one more than last time. */
  readonly counter?: number
  readonly userHandle?: string
  readonly id?: string
}

/** A security key in software: real keys and signatures, and it signs whatever it is asked to. */
export interface Authenticator {
  create(options: PasskeyOptions, made?: Made): string
  get(options: PasskeyOptions, made?: Made): string
  /** The same key with the same counter, as a thief would take it along. */
  copy(): Authenticator
}

export function authenticator(): Authenticator {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return withKey({ id: randomBytes(16), privateKey, publicKey, counter: 0 })
}

interface Held {
  readonly id: Buffer
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly counter: number
}

function withKey({ id, privateKey, publicKey, counter: start }: Held): Authenticator {
  let counter = start

  function authenticatorData({ rpId = RP_ID, userVerified = true, ...made }: Made): Buffer {
    counter = made.counter ?? counter + 1
    const data = Buffer.alloc(37)
    createHash('sha256').update(rpId).digest().copy(data)
    data[32] = userVerified ? 0x05 : 0x01
    data.writeUInt32BE(counter, 33)
    return data
  }

  function clientData(type: string, options: PasskeyOptions, made: Made): Buffer {
    const { origin = ORIGIN, challenge = options.challenge, crossOrigin = false } = made
    return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin }))
  }

  function answer(made: Made, response: Readonly<Record<string, unknown>>): string {
    const name = made.id ?? id.toString('base64url')
    return JSON.stringify({
      id: name,
      rawId: name,
      type: 'public-key',
      clientExtensionResults: {},
      response,
    })
  }

  return {
    create(options, made = {}) {
      const data = authenticatorData({ ...made, counter: made.counter ?? 0 })
      data[32] = (data[32] ?? 0) | 0x40
      const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
      const key = Buffer.concat([
        Buffer.from('a5010203262001215820', 'hex'),
        Buffer.from(x, 'base64url'),
        Buffer.from('225820', 'hex'),
        Buffer.from(y, 'base64url'),
      ])
      const length = Buffer.from([0, id.length])
      const authData = Buffer.concat([data, Buffer.alloc(16), length, id, key])
      const attestationObject = Buffer.concat([
        Buffer.from('a363666d74646e6f6e656761747453746d74a068617574684461746158', 'hex'),
        Buffer.from([authData.length]),
        authData,
      ])
      return answer(made, {
        clientDataJSON: clientData('webauthn.create', options, made).toString('base64url'),
        attestationObject: attestationObject.toString('base64url'),
        transports: ['internal'],
      })
    },

    get(options, made = {}) {
      const data = authenticatorData(made)
      const client = clientData('webauthn.get', options, made)
      const signed = Buffer.concat([data, createHash('sha256').update(client).digest()])
      return answer(made, {
        clientDataJSON: client.toString('base64url'),
        authenticatorData: data.toString('base64url'),
        signature: sign('sha256', signed, privateKey).toString('base64url'),
        ...(made.userHandle === undefined ? {} : { userHandle: made.userHandle }),
      })
    },

    copy: () => withKey({ id, privateKey, publicKey, counter }),
  }
}
