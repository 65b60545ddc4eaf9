import {
  closeSync,
  fchmodSync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import type { LoggedLine } from '../entry.ts'
import { deliveryCursor } from './delivery-cursor.ts'
import { outageOf } from './outage.ts'
import { type AuditOutput, type OutputDependencies, problemOf } from './output.ts'

export interface FileOutputOptions {
  readonly name: string
  readonly format: (entry: LoggedLine) => object
  readonly path: string
  /** The file is renamed before it would be larger: `path.1`, the one before to `path.2` ... */
  readonly maxBytes: number
  /** Renamed files that are kept. */
  readonly keep: number
}

/** Readable for the group, so that a collector of logs need not be the service's own user. */
const MODE = 0o640
const LINE_END = 10

interface Opened {
  readonly descriptor: number
  readonly inode: number
  /** A device is never renamed, whatever goes into it. */
  readonly maxBytes: number
  size: number
}

/**
 * Writes JSON lines to a file, with rotation. A file that was moved away is made anew. What cannot
 * be written is dropped, and the next entries try again: a line that a full disk or a killed
 * process has torn stays by itself.
 */
export function fileOutput(
  { name, format, path, maxBytes, keep }: FileOutputOptions,
  dependencies: OutputDependencies,
): AuditOutput {
  const cursor = deliveryCursor()
  const outage = outageOf(name, dependencies)
  let sent = 0
  let file: Opened | undefined
  let closed = false

  function open(): Opened {
    const descriptor = openAppending(path)
    try {
      const stats = fstatSync(descriptor)
      const { ino: inode, size } = stats
      const bound = stats.isFile() ? maxBytes : Number.POSITIVE_INFINITY
      const opened = { descriptor, inode, size, maxBytes: bound }
      if (size > 0 && lastByte(path, size) !== LINE_END) append(opened, Buffer.from('\n'))
      return opened
    } catch (error) {
      closeSync(descriptor)
      throw error
    }
  }

  function current(): Opened {
    if (file !== undefined && inodeOf(path) === file.inode) return file
    shut()
    file = open()
    return file
  }

  function shut(): void {
    if (file !== undefined) closeSync(file.descriptor)
    file = undefined
  }

  function rotate(): void {
    shut()
    rmSync(numbered(path, keep), { force: true })
    for (let number = keep - 1; number >= 0; number--) {
      if (inodeOf(numbered(path, number)) === undefined) continue
      renameSync(numbered(path, number), numbered(path, number + 1))
    }
  }

  function write(entries: readonly LoggedLine[]): void {
    const lines = entries.map((entry) => Buffer.from(`${JSON.stringify(format(entry))}\n`))
    let done = 0
    try {
      while (done < lines.length) {
        const target = current()
        const count = fitting(lines.slice(done), target)
        if (count === 0) {
          rotate()
          continue
        }
        const before = target.size
        try {
          append(target, Buffer.concat(lines.slice(done, done + count)))
        } finally {
          done += whole(lines.slice(done), target.size - before)
          if (done > 0) cursor.acknowledged(entries[done - 1]?.index ?? 0)
        }
      }
      outage.worked()
    } catch (error) {
      shut()
      cursor.missed(entries[done]?.index ?? 0)
      outage.dropped(entries.length - done, problemOf(error))
    }
    sent += done
  }

  return {
    name,
    send(entries) {
      const [first] = entries
      if (first === undefined) return
      cursor.begins(first.index)
      if (!closed) return write(entries)
      cursor.missed(first.index)
      outage.dropped(entries.length, 'it is closed')
    },
    state: () => ({ sent, dropped: outage.droppedSoFar(), queued: 0, failing: outage.failing() }),
    delivered: cursor.value,
    async close() {
      closed = true
      shut()
    },
  }
}

function append(file: Opened, bytes: Buffer): void {
  for (let rest = bytes; rest.length > 0; ) {
    const written = writeSync(file.descriptor, rest)
    file.size += written
    rest = rest.subarray(written)
  }
}

/** How many of the lines fit into the file. One alone does, however long it is. */
function fitting(lines: readonly Buffer[], { size, maxBytes }: Opened): number {
  const count = whole(lines, maxBytes - size)
  return count === 0 && size === 0 ? 1 : count
}

/** How many of the lines so many bytes are. */
function whole(lines: readonly Buffer[], bytes: number): number {
  let total = 0
  const end = lines.findIndex((line) => {
    total += line.length
    return total > bytes
  })
  return end < 0 ? lines.length : end
}

/** A new file gets its mode whatever the mask; one that was there keeps what it has. */
function openAppending(path: string): number {
  if (inodeOf(path) !== undefined) return openSync(path, 'a', MODE)
  const descriptor = openSync(path, 'a', MODE)
  fchmodSync(descriptor, MODE)
  return descriptor
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino
}

function lastByte(path: string, size: number): number | undefined {
  const byte = Buffer.alloc(1)
  const descriptor = openSync(path, 'r')
  try {
    return readSync(descriptor, byte, 0, 1, size - 1) === 1 ? byte[0] : undefined
  } finally {
    closeSync(descriptor)
  }
}

function numbered(path: string, number: number): string {
  return number === 0 ? path : `${path}.${number}`
}
