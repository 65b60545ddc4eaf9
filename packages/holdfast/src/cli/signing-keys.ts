import {
  addSigningAlgorithms,
  formatSigningKeys,
  newSigningKeys,
  parseSigningKeys,
  rotateSigningKeys,
  type SigningAlgorithm,
  type SigningKeys,
  signingKeysStatus,
} from '../tokens/index.ts'
import { type Asked, UsageError } from './command.ts'
import type { KeyFileKind } from './key-files.ts'
import { instant } from './table.ts'

/** The keys that sign access tokens. */
export const signingKeys: KeyFileKind = {
  make(asked) {
    const algorithms = algorithmsOf(asked)
    const keys = newSigningKeys(algorithms === undefined ? {} : { algorithms })
    return {
      text: formatSigningKeys(keys),
      summary: `with ${activeOf(keys)}`,
      value: shownOf(keys),
    }
  },

  add(text, asked) {
    const algorithms = algorithmsOf(asked)
    if (algorithms === undefined) {
      throw new UsageError(
        'Signing keys always have one that waits. Name what to add with --algorithms.',
      )
    }
    const keys = addSigningAlgorithms(parseSigningKeys(text), algorithms)
    return {
      text: formatSigningKeys(keys),
      summary:
        `now has a waiting key for ${algorithms.join(', ')}. ` +
        'Give it to every instance, then rotate.',
      value: shownOf(keys),
    }
  },

  rotate(text, asked) {
    const keys = rotateSigningKeys(parseSigningKeys(text), { now: asked.flag('now') })
    return {
      text: formatSigningKeys(keys),
      summary: `now signs with ${activeOf(keys)}. Give it to every instance within ten minutes.`,
      value: shownOf(keys),
    }
  },

  status(text) {
    const keys = signingKeysStatus(parseSigningKeys(text))
    const rows = keys.map(({ kid, algorithm, createdAt, since, state }) => [
      kid,
      algorithm,
      instant(createdAt),
      `${DOES[state]} since ${instant(since)}`,
    ])
    return { head: ['KEY', 'ALGORITHM', 'MADE', 'DOES'], rows, keys }
  },
}

const DOES = { next: 'waits', active: 'signs', retired: 'is kept for its tokens' } as const

const ALGORITHMS: readonly SigningAlgorithm[] = ['EdDSA', 'ES256', 'RS256']

function algorithmsOf(asked: Asked): readonly SigningAlgorithm[] | undefined {
  return asked
    .text('algorithms')
    ?.split(',')
    .map((text) => {
      const known = ALGORITHMS.find((one) => one === text.trim())
      if (known !== undefined) return known
      throw new UsageError(`--algorithms takes ${ALGORITHMS.join(', ')}, comma-separated.`)
    })
}

function activeOf({ keys }: SigningKeys): string {
  const active = keys.filter(({ state }) => state === 'active')
  return active.map(({ kid, algorithm }) => `${kid} (${algorithm})`).join(', ')
}

function shownOf(keys: SigningKeys): object {
  return { keys: signingKeysStatus(keys) }
}
