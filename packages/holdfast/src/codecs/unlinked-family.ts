import { settlingTime } from '../core/rotation.ts'
import type { TokenFamily } from '../core/session.ts'
import { readText, readUint } from './bytes.ts'
import { type KeyedReader, readDigest, readKey } from './family-record.ts'
import { type RecordReader, readList, readOptional, readTime } from './record-fields.ts'

/** A secret was good this long after its successor was first shown. */
const IN_FLIGHT_MS = 60_000

/**
 * A family of a record of layout 1 or 2, whose tokens have no links. The successor that was sent
 * last may still be shown, and so may the secret before. The family goes on in today's form.
 */
export function readUnlinkedFamily(input: KeyedReader): TokenFamily {
  const { reader } = input
  const id = readUint(reader).toString(16).padStart(16, '0')
  const sent = readSecret(input)
  const shown = readOptional(input, readSecret)
  const predecessors = readList(input, () => {
    readUint(reader)
    const predecessor = { digest: readDigest(input), succeededAt: readTime(input) }
    readList(input, readKey)
    return predecessor
  })
  readOptional(input, () => [readUint(reader), readTime(input)])
  const contexts = readList(input, readKey).slice(0, 2)

  const { generation, digest, mintedAt } = shown ?? sent
  const [before] = predecessors
  const beganAt = before?.succeededAt ?? mintedAt - 2 * settlingTime('session')
  return {
    id,
    current: { generation, digest, mintedAt, notedAt: before?.succeededAt ?? mintedAt },
    beganAt,
    shownAt: before?.succeededAt ?? mintedAt,
    previous:
      before === undefined
        ? null
        : { digest: before.digest, until: before.succeededAt + IN_FLIGHT_MS },
    outstanding: shown === null ? null : { digest: sent.digest, mintedAt: sent.mintedAt },
    contexts,
  }
}

/** Of a completed step-up nothing is taken over: its token was kept, and is not sent again. */
export function skipUnlinkedStepUp(input: KeyedReader): null {
  readText(input.reader)
  readTime(input)
  readDigest(input)
  readKey(input)
  readText(input.reader)
  readText(input.reader)
  return null
}

function readSecret(input: RecordReader): {
  readonly generation: number
  readonly digest: string
  readonly mintedAt: number
} {
  const generation = readUint(input.reader)
  const digest = readDigest(input)
  const mintedAt = readTime(input)
  readText(input.reader)
  return { generation, digest, mintedAt }
}
