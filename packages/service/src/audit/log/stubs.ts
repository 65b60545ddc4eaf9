import { createHash, type Hash } from 'node:crypto'
import type { Line, RetiredContent, StubContent } from './lines.ts'
import { type NoteVerifier, noteParts, openNote } from './note.ts'
import { hasBit, retiredText, setBit } from './retire.ts'
import type { Segment } from './segments.ts'
import type { Remarks } from './verdict.ts'

/** Holds stubs against the later lines that say that they may be there. */
export interface Stubs {
  /** A stub, by the bytes of its line and its number in the file. */
  take(stub: Line & StubContent, bytes: Buffer, at: { segment: Segment; number: number }): void
  allow(line: Line & RetiredContent): void
  /** Whether some wait for the line that allows them. */
  wait(): boolean
  /** All lines are read: what nothing allows was removed by somebody. */
  end(): void
}

/** Stubs of one segment that name the same line. */
interface Group {
  readonly file: string
  readonly first: number
  readonly by: number
  readonly digest: Hash
  /** Which lines of the file they are. */
  bits: Buffer
  count: number
}

const FEW_BYTES = 64

export function stubs(
  remarks: Remarks,
  { origin, verifiers }: { origin: string; verifiers: readonly NoteVerifier[] | undefined },
): Stubs {
  const groups = new Map<string, Group>()

  function removed({ file, by, bits }: Group, allowed: Buffer): boolean {
    let some = false
    for (let at = 0; at < bits.length * 8; at++) {
      if (!hasBit(bits, at) || hasBit(allowed, at)) continue
      some = true
      const message = `this line was removed: line ${by} of the log does not say that it may be`
      remarks.fault('line_removed', file, at + 1, message)
    }
    return some
  }

  return {
    take(stub, bytes, { segment, number }) {
      const { by } = stub
      const key = `${segment.number} ${by}`
      const group = groups.get(key) ?? {
        ...{ file: segment.path, first: number, by, count: 0 },
        ...{ bits: Buffer.alloc(FEW_BYTES), digest: createHash('sha256') },
      }
      groups.set(key, group)
      if (number > group.bits.length * 8) {
        group.bits = Buffer.concat([
          group.bits,
          Buffer.alloc(group.bits.length + Math.ceil(number / 8)),
        ])
      }
      group.count++
      group.digest.update(bytes).update('\n')
      setBit(group.bits, number - 1)
    },

    allow(line) {
      const key = `${line.segment} ${line.index}`
      const group = groups.get(key)
      if (group === undefined) return
      groups.delete(key)
      const { segment, note } = line
      const { count, file } = group
      const text = retiredText(origin, { segment, count, digest: group.digest.digest('base64') })
      const told = verifiers === undefined ? noteParts(note) : openNote(note, verifiers)
      const signed = told !== undefined && 'text' in told ? told.text : undefined
      if (signed === text) return
      if (signed === undefined) {
        const why = `what line ${line.index} says of them is signed by no key that is trusted here`
        const message = `${count} lines from here on were removed: ${why}`
        remarks.fault('line_removed', file, group.first, message)
      } else if (!removed(group, Buffer.from(line.lines, 'base64'))) {
        const message = `what stands for the lines that line ${line.index} retires was changed`
        remarks.fault('line_edited', file, null, message)
      }
    },

    wait: () => groups.size > 0,

    end() {
      for (const group of groups.values()) removed(group, Buffer.alloc(0))
    },
  }
}
