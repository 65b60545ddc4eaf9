import { sameDevice } from '../core/context.ts'
import { SessionError } from '../core/errors.ts'
import { memo } from '../core/memo.ts'
import type { BrowserFamily, Device, Network, OperatingSystem } from '../core/request.ts'
import { formatAddress, parseAddress } from '../network/address.ts'
import { type Cursor, createWriter, readBytes, readText, readUint, type Writer } from './bytes.ts'
import { LANGUAGES, readListed, TIME_ZONES, writeListed } from './words.ts'

/** What an address means is looked up when a record is opened: old facts and new ones then rest on the same data. */
export type DescribeNetwork = (ip: string | null) => Network

/** Networks and devices of a record, each once; everything else names them by their place in the table. */
export interface Facts {
  readonly networks: readonly Network[]
  readonly devices: readonly Device[]
}

/** Collects what a record mentions. */
export interface FactTable {
  network(network: Network): number
  device(device: Device): number
  write(writer: Writer): void
}

export function factTable(): FactTable {
  const networks: Network[] = []
  const devices: Device[] = []

  function placeIn<T>(table: T[], item: T, same: (a: T, b: T) => boolean): number {
    const known = table.findIndex((other) => same(other, item))
    return known >= 0 ? known : table.push(item) - 1
  }

  return {
    network: (network) => placeIn(networks, network, (a, b) => a.address === b.address),
    device: (device) => placeIn(devices, device, (a, b) => a.tls === b.tls && sameDevice(a, b)),
    write(writer) {
      writer.uint(networks.length)
      for (const { address } of networks) writeAddress(writer, address)
      writer.uint(devices.length)
      for (const device of devices) writeDevice(writer, device)
    },
  }
}

/** Reads the tables in front of a record. */
export type FactReader = (cursor: Cursor) => Facts

/** Devices that were read before are handed out again: most sessions share one of a few. */
export function factReader(describe: DescribeNetwork): FactReader {
  const known = memo<string, Device>(REMEMBERED)

  function readDevice(cursor: Cursor): Device {
    const bytes = readBytes(cursor, readUint(cursor))
    const key = bytes.toString('latin1')
    const found = known.get(key)
    if (found !== undefined) return found
    const device = parseDevice({ bytes, at: 0 })
    known.set(key, device)
    return device
  }

  return (cursor) => {
    const networks: Network[] = []
    for (let left = readUint(cursor); left > 0; left--) networks.push(describe(readAddress(cursor)))
    const devices: Device[] = []
    for (let left = readUint(cursor); left > 0; left--) devices.push(readDevice(cursor))
    return { networks, devices }
  }
}

const REMEMBERED = 1_000

/** The entry that a record names; a record that names none is refused. */
export function entryOf<T>(table: readonly T[], cursor: Cursor): T {
  const entry = table[readUint(cursor)]
  if (entry !== undefined) return entry
  throw new SessionError('record_invalid', 'A record names something that it does not have.')
}

function writeAddress(writer: Writer, text: string | null): void {
  const address = text === null ? undefined : parseAddress(text)
  const bytes = Buffer.alloc(4 * (address?.words.length ?? 0))
  for (const [at, word] of (address?.words ?? []).entries()) bytes.writeUInt32BE(word, 4 * at)
  writer.uint(bytes.length)
  writer.bytes(bytes)
}

function readAddress(cursor: Cursor): string | null {
  const bytes = readBytes(cursor, readUint(cursor))
  if (bytes.length === 0) return null
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`
  if (bytes.length !== 16)
    throw new SessionError('record_invalid', 'A record has an address that is none: it is refused.')
  const words = [0, 4, 8, 12].map((at) => bytes.readUInt32BE(at))
  return formatAddress({ family: 6, words })
}

/** Their places are stored: new ones go to the end. */
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
/** The hints say what the user agent says, as those of an honest browser do. */
const AGREED = 4

/** The TLS handshake is known. */
const FINGERPRINTED = 8

type Agent = Pick<Device, 'family' | 'major' | 'os'>

function writeDevice(writer: Writer, device: Device): void {
  const { hints, mobile, screen, timezone, languages, tls } = device
  const agreed = hints !== null && sameAgent(hints, device)
  const own = createWriter()
  own.uint(
    (mobile ? MOBILE : 0) +
      (hints === null ? 0 : HINTED) +
      (agreed ? AGREED : 0) +
      (tls === null ? 0 : FINGERPRINTED),
  )
  writeAgent(own, device)
  if (hints !== null && !agreed) writeAgent(own, hints)
  writeScreen(own, screen)
  writeListed(own, TIME_ZONES, timezone ?? '')
  own.uint(languages.length)
  for (const tag of languages) writeListed(own, LANGUAGES, tag)
  if (tls !== null) writeJa4(own, tls)
  const bytes = own.end()
  writer.uint(bytes.length)
  writer.bytes(bytes)
}

function parseDevice(cursor: Cursor): Device {
  const flags = readUint(cursor)
  const agent = readAgent(cursor)
  const hinted = (flags & HINTED) !== 0
  const agreed = (flags & AGREED) !== 0
  const hints = hinted ? (agreed ? { ...agent } : readAgent(cursor)) : null
  const screen = readScreen(cursor)
  const timezone = readListed(cursor, TIME_ZONES)
  const languages: string[] = []
  for (let left = readUint(cursor); left > 0; left--) languages.push(readListed(cursor, LANGUAGES))
  return {
    ...agent,
    mobile: (flags & MOBILE) !== 0,
    languages,
    hints,
    screen,
    timezone: timezone === '' ? null : timezone,
    tls: (flags & FINGERPRINTED) === 0 ? null : readJa4(cursor),
  }
}

/** Ten letters, then two hashes of six bytes each. */
function writeJa4(writer: Writer, tls: string): void {
  const [start = '', ...hashes] = tls.split('_')
  writer.text(start)
  writer.bytes(Buffer.from(hashes.join(''), 'hex'))
}

function readJa4(cursor: Cursor): string {
  const start = readText(cursor)
  const hashes = readBytes(cursor, 12).toString('hex')
  return `${start}_${hashes.slice(0, 12)}_${hashes.slice(12)}`
}

function sameAgent(a: Agent, b: Agent): boolean {
  return a.family === b.family && a.major === b.major && a.os === b.os
}

/** A major version counts from 1, so that 0 says that there is none. */
function writeAgent(writer: Writer, { family, major, os }: Agent): void {
  writer.uint(FAMILIES.indexOf(family))
  writer.uint(SYSTEMS.indexOf(os))
  writer.uint(major === null ? 0 : major + 1)
}

function readAgent(cursor: Cursor): Agent {
  const family = entryOf(FAMILIES, cursor)
  const os = entryOf(SYSTEMS, cursor)
  const major = readUint(cursor)
  return { family, os, major: major === 0 ? null : major - 1 }
}

/** Width and height as numbers, then the pixel ratio as it was written. A width of 0: unknown. */
function writeScreen(writer: Writer, screen: string | null): void {
  const [, width = '0', height = '0', ratio = ''] = /^(\d+)x(\d+)(.*)$/.exec(screen ?? '') ?? []
  writer.uint(Number(width))
  if (width === '0') return
  writer.uint(Number(height))
  writer.text(ratio)
}

function readScreen(cursor: Cursor): string | null {
  const width = readUint(cursor)
  return width === 0 ? null : `${width}x${readUint(cursor)}${readText(cursor)}`
}
