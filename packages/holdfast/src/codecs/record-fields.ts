import { SessionError } from '../core/errors.ts'
import type { Device, Network } from '../core/request.ts'
import { type Cursor, readInt, readUint, type Writer } from './bytes.ts'
import { entryOf, type Facts, type FactTable } from './record-facts.ts'
import { readListed, WORDS, writeListed } from './words.ts'

/** Where a record is written: instants are kept as their distance from `epoch`, which makes most of them short. */
export interface Pen {
  readonly writer: Writer
  readonly facts: FactTable
  readonly epoch: number
}

/** Where a record is read. */
export interface Page {
  readonly cursor: Cursor
  readonly facts: Facts
  readonly epoch: number
}

/** A network and a device that were seen together. */
interface Use {
  readonly network: Network
  readonly device: Device
}

export function writeTime({ writer, epoch }: Pen, at: number): void {
  writer.int(at - epoch)
}

export function readTime({ cursor, epoch }: Page): number {
  return epoch + readInt(cursor)
}

export function writeUse({ writer, facts }: Pen, { network, device }: Use): void {
  writer.uint(facts.network(network))
  writer.uint(facts.device(device))
}

export function readUse({ cursor, facts }: Page): Use {
  return { network: entryOf(facts.networks, cursor), device: entryOf(facts.devices, cursor) }
}

export function writeOptional<T>(
  { writer }: Pen,
  value: T | null,
  write: (value: T) => void,
): void {
  writer.uint(value === null ? 0 : 1)
  if (value !== null) write(value)
}

export function readOptional<T>({ cursor }: Page, read: () => T): T | null {
  return readUint(cursor) === 0 ? null : read()
}

export function writeList<T>(
  { writer }: Pen,
  values: readonly T[],
  write: (value: T) => void,
): void {
  writer.uint(values.length)
  for (const value of values) write(value)
}

export function readList<T>({ cursor }: Page, read: () => T): readonly T[] {
  const values: T[] = []
  for (let left = readUint(cursor); left > 0; left--) values.push(read())
  return values
}

export function writeWord({ writer }: Pen, word: string): void {
  writeListed(writer, WORDS, word)
}

export function readWord({ cursor }: Page): string {
  return readListed(cursor, WORDS)
}

/** One of a fixed list, by its place. */
export function writeOneOf<T>({ writer }: Pen, list: readonly T[], value: T): void {
  writer.uint(list.indexOf(value))
}

export function readOneOf<T>({ cursor }: Page, list: readonly T[]): T {
  return entryOf(list, cursor)
}

/** The seal was whole: another version of this library wrote what stands in it. */
export function foreignLayout(): SessionError {
  return new SessionError(
    'record_invalid',
    'A record is in a layout that this version does not know. It is refused.',
  )
}
