import { contextKey } from '../core/context.ts'
import { SessionError } from '../core/errors.ts'
import type { Device, Network } from '../core/request.ts'
import type { Entry } from '../core/store.ts'
import { type ByteReader, type ByteWriter, readInt, readUint } from './bytes.ts'
import { addressText, entryAt, entryOf, type Facts, type FactTable } from './record-facts.ts'
import { readListed, WORDS, writeListed } from './word-lists.ts'

/** What is stored in clear beside a record and authenticated with it. Not repeated inside. */
export type Terms = Pick<Entry, 'id' | 'createdAt' | 'deadline' | 'idleMs'>

/** Writes a record. Instants are stored as their distance from `epoch`, which is mostly short. */
export interface RecordWriter {
  readonly writer: ByteWriter
  readonly epoch: number
}

/** Writes a record with the networks and devices that it mentions. */
export interface FactWriter extends RecordWriter {
  readonly facts: FactTable
}

/** Reads a record. */
export interface RecordReader {
  readonly reader: ByteReader
  readonly facts: Facts
  readonly epoch: number
}

/** A network and a device that were seen together. */
interface Use {
  readonly network: Network
  readonly device: Device
}

export function writeTime({ writer, epoch }: RecordWriter, at: number): void {
  writer.int(at - epoch)
}

export function readTime({ reader, epoch }: RecordReader): number {
  return epoch + readInt(reader)
}

export function writeUse({ writer, facts }: FactWriter, { network, device }: Use): void {
  writer.uint(facts.network(network))
  writer.uint(facts.device(device))
}

/** A network and a device by their numbers in the record's tables. */
export interface UseNumbers {
  readonly network: number
  readonly device: number
}

export function isOneUse(a: UseNumbers, b: UseNumbers): boolean {
  return a.network === b.network && a.device === b.device
}

/** Throws `record_invalid` where the tables do not have them. */
export function readUse(input: RecordReader): UseNumbers {
  return new ReadUse(input)
}

class ReadUse implements UseNumbers {
  readonly network: number
  readonly device: number

  constructor({ reader, facts }: RecordReader) {
    this.network = readUint(reader)
    this.device = readUint(reader)
    entryAt(facts.addresses, this.network)
    entryAt(facts.devices, this.device)
  }
}

export function addressOf({ addresses }: Facts, { network }: UseNumbers): string | null {
  return addressText(entryAt(addresses, network))
}

export function deviceOf({ devices }: Facts, { device }: UseNumbers): Device {
  return entryAt(devices, device)
}

/** Looks the network up. */
export function usedAt(facts: Facts, use: UseNumbers): Use {
  return { network: facts.describe(addressOf(facts, use)), device: deviceOf(facts, use) }
}

/** The key of the context of a use. */
export function keyOfUse(facts: Facts, use: UseNumbers): string {
  return contextKey({ prefix: facts.prefixOf(addressOf(facts, use)) }, deviceOf(facts, use))
}

export function writeOptional<T>(
  { writer }: RecordWriter,
  value: T | null,
  write: (value: T) => void,
): void {
  writer.uint(value === null ? 0 : 1)
  if (value !== null) write(value)
}

export function readOptional<Input extends RecordReader, T>(
  input: Input,
  read: (input: Input) => T,
): T | null {
  return readUint(input.reader) === 0 ? null : read(input)
}

export function writeList<T>(
  { writer }: RecordWriter,
  values: readonly T[],
  write: (value: T) => void,
): void {
  writer.uint(values.length)
  for (const value of values) write(value)
}

const NONE: readonly never[] = []

export function readList<Input extends RecordReader, T>(
  input: Input,
  read: (input: Input) => T,
): readonly T[] {
  const { reader } = input
  const count = readUint(reader)
  if (count === 0) return NONE
  if (count > reader.bytes.length) throw foreignLayout()
  // Just as long: a list that grows takes room for sixteen entries more.
  const values = new Array<T>(count)
  for (let at = 0; at < count; at++) values[at] = read(input)
  return values
}

export function writeWord({ writer }: RecordWriter, word: string): void {
  writeListed(writer, WORDS, word)
}

export function readWord({ reader }: RecordReader): string {
  return readListed(reader, WORDS)
}

/** Writes a member of a fixed list as its number. */
export function writeOneOf<T>({ writer }: RecordWriter, list: readonly T[], value: T): void {
  writer.uint(list.indexOf(value))
}

export function readOneOf<T>({ reader }: RecordReader, list: readonly T[]): T {
  return entryOf(list, reader)
}

/** The fault for a record whose seal is right, and which another version of this library wrote. */
export function foreignLayout(): SessionError {
  return new SessionError(
    'record_invalid',
    'A record is in a layout that this version does not know. It is refused.',
  )
}
