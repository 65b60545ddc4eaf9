import { isOneDevice } from '../core/context.ts'
import { SessionError } from '../core/errors.ts'
import { memo } from '../core/memo.ts'
import type { BrowserFamily, Device, Network, OperatingSystem } from '../core/request.ts'
import { formatAddress, parseAddress } from '../network/address.ts'
import {
  type ByteReader,
  type ByteWriter,
  createWriter,
  cutShort,
  readBytes,
  readInt32,
  readLatin1,
  readText,
  readUint,
} from './bytes.ts'
import { BRANDS, LANGUAGES, readListed, TIME_ZONES, writeListed } from './word-lists.ts'

/** Looks an address up when a record is opened, so that old and new facts rest on the same data. */
export type DescribeNetwork = (ip: string | null) => Network

export type PrefixOf = (ip: string | null) => string | null

/** IPv4 as the 32 bits that it is: most are never asked for as text. */
type StoredAddress = number | string | null

/** Addresses and devices of a record, each once. The rest of the record names them by number. */
export interface Facts {
  readonly addresses: readonly StoredAddress[]
  readonly devices: readonly Device[]
  /** The prefix of a network, which its address says by itself. */
  readonly prefixOf: PrefixOf
  readonly describe: DescribeNetwork
}

/** Collects what a record mentions. */
export interface FactTable {
  network(network: Network): number
  device(device: Device): number
  write(writer: ByteWriter): void
}

export function factTable(): FactTable {
  const networks: Network[] = []
  const devices: Device[] = []

  function numberIn<T>(table: T[], item: T, same: (a: T, b: T) => boolean): number {
    const known = table.findIndex((other) => same(other, item))
    return known >= 0 ? known : table.push(item) - 1
  }

  return {
    network: (network) => numberIn(networks, network, (a, b) => a.address === b.address),
    device: (device) => numberIn(devices, device, isOneDevice),
    write(writer) {
      writer.uint(networks.length)
      for (const { address } of networks) writeAddress(writer, address)
      writer.uint(devices.length)
      for (const device of devices) writeDevice(writer, device)
    },
  }
}

/** Reads the tables in front of a record. */
export type FactReader = (reader: ByteReader) => Facts

/**
 * Makes each device once: most sessions share one of a few. Addresses are looked up where something
 * asks for their networks.
 */
export function factReader(
  describe: DescribeNetwork,
  prefixOf: PrefixOf = (ip) => describe(ip).prefix,
): FactReader {
  const known = memo<string, Device>(REMEMBERED)

  function readDevice(reader: ByteReader): Device {
    const key = readLatin1(reader, readUint(reader))
    const found = known.get(key)
    if (found !== undefined) return found
    const device = parseDevice({ bytes: Buffer.from(key, 'latin1'), at: 0 })
    known.set(key, device)
    return device
  }

  return (reader) => {
    const addresses = readTable(reader, readAddress)
    const devices = readTable(reader, readDevice)
    return { addresses, devices, prefixOf, describe }
  }
}

const REMEMBERED = 1_000

/** Just as long as it says: a list that grows takes room for sixteen entries more. */
function readTable<T>(reader: ByteReader, read: (reader: ByteReader) => T): readonly T[] {
  const count = readUint(reader)
  if (count > reader.bytes.length) throw cutShort()
  const table = new Array<T>(count)
  for (let at = 0; at < count; at++) table[at] = read(reader)
  return table
}

/** The entry that a record names. Throws `record_invalid` when the table does not have it. */
export function entryOf<T>(table: readonly T[], reader: ByteReader): T {
  return entryAt(table, readUint(reader))
}

/** As {@link entryOf}, for a number that was read before. */
export function entryAt<T>(table: readonly T[], number: number): T {
  const entry = table[number]
  if (entry !== undefined) return entry
  throw new SessionError('record_invalid', 'A record names something that it does not have.')
}

function writeAddress(writer: ByteWriter, text: string | null): void {
  const address = text === null ? undefined : parseAddress(text)
  const bytes = Buffer.alloc(4 * (address?.words.length ?? 0))
  for (const [at, word] of (address?.words ?? []).entries()) bytes.writeUInt32BE(word, 4 * at)
  writer.uint(bytes.length)
  writer.bytes(bytes)
}

function readAddress(reader: ByteReader): StoredAddress {
  const size = readUint(reader)
  if (size === 0) return null
  if (size === 4) return readInt32(reader)
  if (size !== 16)
    throw new SessionError('record_invalid', 'A record has an address that is none: it is refused.')
  const words = Array.from({ length: 4 }, () => readInt32(reader) >>> 0)
  return formatAddress({ family: 6, words })
}

export function addressText(stored: StoredAddress): string | null {
  return typeof stored === 'number' ? formatAddress({ family: 4, words: [stored] }) : stored
}

/** Their numbers are stored: new ones go to the end. */
const FAMILIES: readonly BrowserFamily[] = [
  'unknown',
  'chrome',
  'edge',
  'opera',
  'samsung',
  'firefox',
  'safari',
  'app',
  'automation',
]
const SYSTEMS: readonly OperatingSystem[] = [
  'unknown',
  'windows',
  'macos',
  'linux',
  'chromeos',
  'android',
  'ios',
]

const MOBILE = 1
const HINTED = 2
/** The hints agree with the user agent, as those of an honest browser do. */
const AGREED = 4

/** The TLS handshake is known. */
const FINGERPRINTED = 8

/** The brand of the hints is known, and follows at the end. */
const BRANDED = 16

type Agent = Pick<Device, 'family' | 'major' | 'os'>

/** Records share the devices that the record reader gives: each is encoded once. */
const encoded = new WeakMap<Device, Uint8Array>()

function writeDevice(writer: ByteWriter, device: Device): void {
  let bytes = encoded.get(device)
  if (bytes === undefined) {
    bytes = encodeDevice(device)
    encoded.set(device, bytes)
  }
  writer.uint(bytes.length)
  writer.bytes(bytes)
}

function encodeDevice(device: Device): Uint8Array {
  const { hints, mobile, screen, timezone, languages, tls } = device
  const agreed = hints !== null && sameAgent(hints, device)
  const own = createWriter()
  own.uint(
    (mobile ? MOBILE : 0) +
      (hints === null ? 0 : HINTED) +
      (agreed ? AGREED : 0) +
      (tls === null ? 0 : FINGERPRINTED) +
      (hints?.brand === undefined ? 0 : BRANDED),
  )
  writeAgent(own, device)
  if (hints !== null && !agreed) writeAgent(own, hints)
  writeScreen(own, screen)
  writeListed(own, TIME_ZONES, timezone ?? '')
  own.uint(languages.length)
  for (const tag of languages) writeListed(own, LANGUAGES, tag)
  if (tls !== null) writeJa4(own, tls)
  if (hints?.brand !== undefined) writeListed(own, BRANDS, hints.brand)
  return Uint8Array.from(own.end())
}

function parseDevice(reader: ByteReader): Device {
  const flags = readUint(reader)
  const agent = readAgent(reader)
  const hinted = (flags & HINTED) !== 0
  const agreed = (flags & AGREED) !== 0
  const hints = hinted ? (agreed ? { ...agent } : readAgent(reader)) : null
  const screen = readScreen(reader)
  const timezone = readListed(reader, TIME_ZONES)
  const languages: string[] = []
  for (let left = readUint(reader); left > 0; left--) languages.push(readListed(reader, LANGUAGES))
  const tls = (flags & FINGERPRINTED) === 0 ? null : readJa4(reader)
  const brand = (flags & BRANDED) === 0 ? undefined : readListed(reader, BRANDS)
  return {
    ...agent,
    mobile: (flags & MOBILE) !== 0,
    languages,
    hints: hints === null || brand === undefined ? hints : { ...hints, brand },
    screen,
    timezone: timezone === '' ? null : timezone,
    tls,
  }
}

/** Ten letters, then two hashes of six bytes each. */
function writeJa4(writer: ByteWriter, tls: string): void {
  const [start = '', ...hashes] = tls.split('_')
  writer.text(start)
  writer.bytes(Buffer.from(hashes.join(''), 'hex'))
}

function readJa4(reader: ByteReader): string {
  const start = readText(reader)
  const hashes = readBytes(reader, 12).toString('hex')
  return `${start}_${hashes.slice(0, 12)}_${hashes.slice(12)}`
}

function sameAgent(a: Agent, b: Agent): boolean {
  return a.family === b.family && a.major === b.major && a.os === b.os
}

/** A major version is stored plus 1; 0 stands for none. */
function writeAgent(writer: ByteWriter, { family, major, os }: Agent): void {
  writer.uint(FAMILIES.indexOf(family))
  writer.uint(SYSTEMS.indexOf(os))
  writer.uint(major === null ? 0 : major + 1)
}

function readAgent(reader: ByteReader): Agent {
  const family = entryOf(FAMILIES, reader)
  const os = entryOf(SYSTEMS, reader)
  const major = readUint(reader)
  return { family, os, major: major === 0 ? null : major - 1 }
}

/** Width and height as numbers, then the pixel ratio as text. A width of 0 stands for unknown. */
function writeScreen(writer: ByteWriter, screen: string | null): void {
  const [, width = '0', height = '0', ratio = ''] = /^(\d+)x(\d+)(.*)$/.exec(screen ?? '') ?? []
  writer.uint(Number(width))
  if (width === '0') return
  writer.uint(Number(height))
  writer.text(ratio)
}

function readScreen(reader: ByteReader): string | null {
  const width = readUint(reader)
  return width === 0 ? null : `${width}x${readUint(reader)}${readText(reader)}`
}
