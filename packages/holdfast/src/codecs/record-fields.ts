import { SessionError } from '../core/errors.ts'
import type { Device, Network } from '../core/request.ts'
import { type Cursor, readInt, readText, readUint, type Writer } from './bytes.ts'
import { entryOf, type Facts, type FactTable } from './record-facts.ts'

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

/** Words that many records have, by their place, which is stored: new ones go to the end. */
const WORDS: readonly string[] = [
  'default',
  'remember',
  'pwd',
  'otp',
  'mfa',
  'hwk',
  'swk',
  'sms',
  'network_same_address',
  'network_same_prefix',
  'network_same_block',
  'network_same_asn_far',
  'network_asn_known',
  'relay_known',
  'relay_new',
  'hosting_known',
  'hosting_new',
  'hosting_foreign',
  'satellite_network',
  'network_new_near',
  'network_new_far',
  'country_new_mobile',
  'country_new_clock_moved',
  'country_new_clock_unknown',
  'country_new_clock_unmoved',
  'timezone_changed',
  'travel_infeasible',
  'device_identical',
  'browser_updated',
  'screen_known',
  'screen_new',
  'browser_downgraded',
  'browser_jumped',
  'language_changed',
  'platform_changed',
  'hints_missing',
  'hints_contradictory',
  'not_a_browser',
  'secret_forked',
  'evidence_carried',
  'evidence_inherited',
  'step_up_failed',
  'signal_failed',
  'context_challenged',
  'network_unconfirmed',
  'acr_missing',
  'authentication_stale',
  'prompts_exhausted',
  'contexts_exhausted',
  'attempts_exhausted',
  'failed_key_proof',
  'step_up_failed_after_fork',
  'not_me',
]

/** A name from a short list costs one byte, any other its letters. */
export function writeWord({ writer }: Pen, word: string): void {
  const known = WORDS.indexOf(word) + 1
  writer.uint(known)
  if (known === 0) writer.text(word)
}

export function readWord({ cursor }: Page): string {
  const known = readUint(cursor)
  if (known === 0) return readText(cursor)
  const word = WORDS[known - 1]
  if (word === undefined) throw foreignLayout()
  return word
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
