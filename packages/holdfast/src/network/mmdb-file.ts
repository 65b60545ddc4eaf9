import { type CityResponse, Reader } from 'mmdb-lib'
import { SessionError } from '../core/errors.ts'
import type { LookupResult } from '../core/lookup.ts'
import { type Address, formatAddress } from './address.ts'
import { lookupResultOf } from './mmdb-record.ts'

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
   * Whether its records have locations (`city`) or operators (`asn`) of addresses. Looks at the
   * first few thousand.
   */
  tells(role: 'city' | 'asn'): boolean
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
    tells(role) {
      for (const record of records(reader, family)) {
        const { asn, country, latitude } = lookupResultOf(record) ?? {}
        if (role === 'asn' ? asn !== undefined : (country ?? latitude) !== undefined) return true
      }
      return false
    },
  }
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
