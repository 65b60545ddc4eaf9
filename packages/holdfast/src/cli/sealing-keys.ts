import {
  addKey,
  formatKeyring,
  keyringStatus,
  newKeyring,
  parseKeyring,
  rotateKeyring,
} from '../codecs/keyring.ts'
import { UsageError } from './command.ts'
import type { KeyFileKind } from './key-files.ts'
import { instant } from './table.ts'

/** The key ring, which seals everything that is stored. */
export const sealingKeys: KeyFileKind = {
  make(asked) {
    refuseAlgorithms(asked.text('algorithms'))
    const ring = newKeyring()
    const { current } = ring
    return { text: formatKeyring(ring), summary: `with the key ${current}`, value: { current } }
  },

  add(text, asked) {
    refuseAlgorithms(asked.text('algorithms'))
    const ring = addKey(parseKeyring(text))
    const added = ring.keys.at(-1)?.id
    return {
      text: formatKeyring(ring),
      summary:
        `now opens ${added} too and seals under ${ring.current}. Give it to every instance, ` +
        'then rotate.',
      value: { added, current: ring.current, keys: keyringStatus(ring) },
    }
  },

  rotate(text) {
    const ring = rotateKeyring(parseKeyring(text))
    return {
      text: formatKeyring(ring),
      summary:
        `now seals under ${ring.current}; ${ring.keys.length - 1} older kept. ` +
        'Give it to every instance.',
      value: { current: ring.current, keys: keyringStatus(ring) },
    }
  },

  status(text) {
    const keys = keyringStatus(parseKeyring(text))
    const rows = keys.map(({ id, createdAt, state }) => [id, instant(createdAt), DOES[state]])
    return { head: ['KEY', 'MADE', 'DOES'], rows, keys }
  },
}

const DOES = { older: 'opens', current: 'seals', waiting: 'opens, waits' } as const

function refuseAlgorithms(given: string | undefined): void {
  if (given !== undefined) throw new UsageError('--algorithms is for signing keys: --signing.')
}
