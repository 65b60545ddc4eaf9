import { createHmac, hash, hkdfSync, randomBytes } from 'node:crypto'
import type { Keyring } from 'holdfast'

/** Where the parts of a token's proof are: kind, key, family, generation, minted at, secret ... */
const [FAMILY, GENERATION, MINTED, SECRET, PARENT, GRANDPARENT, END] = [5, 13, 17, 23, 39, 55, 71]
const LINK_BYTES = 16
const TAG_BYTES = 16

/**
 * Makes a token with the tag key in hand: a successor of one that the thief holds, or a sibling of
 * it. Links are one-way, so a secret that he does not hold has no successor of his.
 */
export function forged(
  token: string,
  kind: 'successor' | 'sibling',
  { keyring, mintedAt }: { readonly keyring: Keyring; readonly mintedAt: number },
): string {
  const [prefix = '', session = '', proof = ''] = token.split('.')
  const old = Buffer.from(proof, 'base64url')
  const made = Buffer.from(old)
  randomBytes(LINK_BYTES).copy(made, SECRET)
  made.writeUIntBE(mintedAt, MINTED, SECRET - MINTED)
  if (kind === 'successor') {
    const generation = old.readUInt32BE(GENERATION)
    const family = old.toString('hex', FAMILY, GENERATION)
    const about = Buffer.from(`link.${session}.${family}.${generation}.`, 'latin1')
    const secret = Buffer.concat([about, old.subarray(SECRET, PARENT)])
    made.writeUInt32BE(generation + 1, GENERATION)
    hash('sha256', secret, 'buffer').copy(made, PARENT, 0, LINK_BYTES)
    old.copy(made, GRANDPARENT, PARENT, GRANDPARENT)
  }
  const master = keyring.keys.find(({ id }) => id === keyring.current)?.secret
  if (master === undefined) throw new RangeError('the ring has no current key')
  const key = Buffer.from(hkdfSync('sha256', master, new Uint8Array(0), 'holdfast/1/tag', 32))
  const signed = made.subarray(0, END)
  createHmac('sha256', key).update(session).update(signed).digest().copy(made, END, 0, TAG_BYTES)
  return `${prefix}.${session}.${made.toString('base64url')}`
}
