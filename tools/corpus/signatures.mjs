import { sign as signBytes } from 'node:crypto'
import { CLAIMS, part, reject, SIGNERS, token } from './tokens.mjs'

export function signatures({ EdDSA, ES256, RS256 }) {
  const flip = (bytes) => Buffer.from(bytes.map((byte, i) => (i === 10 ? byte ^ 1 : byte)))
  const resigned = (key, change) =>
    token(key, { sign: (input, pair) => change(SIGNERS[pair.alg](input, pair)) })
  const wrong = []
  for (const key of [EdDSA, ES256, RS256]) {
    const { alg } = key
    wrong.push(
      reject(
        `${alg} signature of zeros`,
        resigned(key, (bytes) => Buffer.alloc(bytes.length)),
        'signature',
      ),
      reject(
        `${alg} signature empty`,
        resigned(key, () => ''),
        'signature',
      ),
      reject(
        `${alg} signature one byte short`,
        resigned(key, (bytes) => bytes.subarray(0, -1)),
        'signature',
      ),
      reject(
        `${alg} signature one byte long`,
        resigned(key, (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])),
        'signature',
      ),
      reject(`${alg} signature with a bit changed`, resigned(key, flip), 'signature'),
      reject(
        `${alg} signature of other claims`,
        withClaims(token(key), { sub: 'eve' }),
        'signature',
      ),
    )
  }
  return [
    ...wrong,
    reject(
      'ES256 signature in DER',
      token(ES256, { sign: (input, { privateKey }) => signBytes('sha256', input, privateKey) }),
      'RFC 7518, 3.4: r and s, 64 bytes',
    ),
    reject(
      'ES256 signature of r and s equal to the order',
      resigned(ES256, () => Buffer.concat([ORDER, ORDER])),
      'r and s are below the order',
    ),
    reject(
      'EdDSA signature with s not reduced',
      resigned(EdDSA, addEdwardsOrder),
      'RFC 8032, 5.1.7',
    ),
    reject(
      'EdDSA signature of another key',
      resigned(EdDSA, (bytes) => Buffer.from(bytes).reverse()),
      'signature',
    ),
  ]
}

/** The same header and signature around other claims. */
function withClaims(made, changed) {
  const [head, , signature] = made.split('.')
  return `${head}.${part({ ...CLAIMS, ...changed })}.${signature}`
}

const ORDER = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')
const EDWARDS_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

/**
 * The same signature with s, or with the order less s: whichever is in the half that was asked for.
 */
export function highS(made, high) {
  const [head, body, signature] = made.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  const order = BigInt(`0x${ORDER.toString('hex')}`)
  const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`)
  const wanted = s > order / 2n === high ? s : order - s
  const both = Buffer.concat([
    bytes.subarray(0, 32),
    Buffer.from(wanted.toString(16).padStart(64, '0'), 'hex'),
  ])
  return `${head}.${body}.${both.toString('base64url')}`
}

function addEdwardsOrder(signature) {
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`)
  const sum = (s + EDWARDS_ORDER).toString(16).padStart(64, '0')
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(sum, 'hex').reverse()])
}
