import { type CityResponse, Reader } from 'mmdb-lib'
import { SessionError } from '../core/errors.ts'
import type { LookupResult } from '../core/lookup.ts'
import { type Address, formatAddress } from './address.ts'
import { FIELDS, lookupResultOf } from './mmdb-record.ts'

/** An opened MMDB file (MaxMind DB file format 2). */
export interface MmdbFile {
  /** As the file names itself, for example `DBIP-City-Lite`. */
  readonly type: string
  /** ms since the epoch. */
  readonly builtAt: number
  /** 4: the file knows IPv4 only. 6: IPv6, and IPv4 where it has any. */
  readonly family: 4 | 6
  /** Undefined when the file has no answer. Throws when the record is broken. */
  find(address: Address): LookupResult | undefined
  /**
   * Why its records tell no locations (`city`) or operators (`asn`) of addresses: which fields were
   * looked for, and which are there. It continues a sentence that begins with the file. Undefined
   * when they do. Looks at the first few thousand, and throws when one of them is broken.
   */
  problem(role: 'city' | 'asn'): string | undefined
}

/** One of each corner of the tree: a file that was cut or scrambled rarely answers all of them. */
const PROBES: readonly Address[] = [
  { family: 4, words: [0] },
  { family: 4, words: [0x08080808] },
  { family: 4, words: [0xd9002b01] },
  { family: 4, words: [0xffffffff] },
  { family: 6, words: [0x20014860, 0x48600000, 0, 0x8888] },
  { family: 6, words: [0x200300c0, 0, 0, 1] },
  { family: 6, words: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
]

/**
 * Opens an MMDB file that is in memory and asks it a few addresses. Throws `config_invalid` when it
 * is not sound.
 */
export function openMmdb(bytes: Uint8Array): MmdbFile {
  try {
    const file = open(bytes)
    for (const probe of PROBES) file.find(probe)
    return file
  } catch (cause) {
    throw new SessionError('config_invalid', 'this is not a sound MMDB file; fetch it again', {
      cause,
    })
  }
}

function open(bytes: Uint8Array): MmdbFile {
  const { buffer, byteOffset, byteLength } = bytes
  const reader = new Reader<CityResponse>(Buffer.from(buffer, byteOffset, byteLength))
  const { metadata } = reader
  const {
    binaryFormatMajorVersion: format,
    ipVersion: family,
    nodeCount,
    searchTreeSize,
  } = metadata
  const buildAt = metadata.buildEpoch.getTime()
  if (format !== 2) throw new RangeError(`file format ${format}`)
  if (family !== 4 && family !== 6) throw new RangeError(`address family ${family}`)
  if (!(nodeCount > 0) || searchTreeSize + 16 >= byteLength) throw new RangeError('cut off')
  if (!Number.isFinite(buildAt)) throw new RangeError('no build time')
  return {
    type: String(metadata.databaseType),
    builtAt: buildAt,
    family,
    find(address) {
      // The reader would walk an IPv4 tree with the first bits of an IPv6 address.
      if (family === 4 && address.family === 6) return undefined
      return lookupResultOf(reader.get(formatAddress(address)))
    },
    problem(role) {
      const names = new Set<string>()
      for (const record of records(reader, family)) {
        const { asn, country, latitude } = lookupResultOf(record) ?? {}
        if ((role === 'asn' ? asn : (country ?? latitude)) !== undefined) return undefined
        for (const name of fieldNames(record)) if (names.size < MAX_NAMES) names.add(name)
      }
      const what = role === 'city' ? 'places' : 'autonomous systems'
      const there = names.size === 0 ? 'it has no fields' : `it has ${[...names].join(', ')}`
      return `tells no ${what}: of ${FIELDS[role]} its records have none; ${there}`
    },
  }
}

const MAX_NAMES = 32
const NAME = /^[\w.-]{1,64}$/

/** The fields of a record and of the maps in it, as far as they can be shown. */
function fieldNames(record: unknown, path = ''): readonly string[] {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return []
  return Object.entries(record).flatMap(([name, value]) => {
    if (!NAME.test(name)) return []
    const inside = path === '' ? fieldNames(value, `${name}.`) : []
    return inside.length === 0 ? [`${path}${name}`] : inside
  })
}

const MAX_LOOKED_AT = 4_096

/** The records of the first networks of a file, IPv4 before IPv6. */
function* records(reader: Reader<CityResponse>, family: 4 | 6): Generator<unknown> {
  for (const bits of family === 4 ? [32] : [32, 128]) {
    let at = 0n
    for (let looked = 0; looked < MAX_LOOKED_AT && at < 1n << BigInt(bits); looked++) {
      const [record, prefix] = reader.getWithPrefixLength(textOf(at, bits))
      if (record !== null) yield record
      const rest = BigInt(bits - prefix)
      at = ((at >> rest) + 1n) << rest
    }
  }
}

function textOf(address: bigint, bits: number): string {
  const words = Array.from({ length: bits / 32 }, (_, at) =>
    Number((address >> BigInt(bits - 32 * (at + 1))) & 0xffff_ffffn),
  )
  return formatAddress({ family: bits === 32 ? 4 : 6, words })
}
