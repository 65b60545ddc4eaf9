import type { Device } from '../core/request.ts'
import type { SessionFamily, SessionHead, SessionState, TokenFamily } from '../core/session.ts'
import { type ByteReader, readText, readUint } from './bytes.ts'
import { readStanding, type Standing } from './context-record.ts'
import {
  type KeyedReader,
  ReadSessionFamily,
  readFailed,
  readFork,
  readTokenFamily,
} from './family-record.ts'
import type { Facts } from './record-facts.ts'
import {
  addressOf,
  deviceOf,
  isOneUse,
  keyOfUse,
  readList,
  readOptional,
  readTime,
  readUse,
  readWord,
  type Terms,
  type UseNumbers,
} from './record-fields.ts'

const NO_USE: UseNumbers = { network: 0, device: 0 }

/** Reads a record, and knows what the parts that it has read mean for those that follow. */
export class SessionReader implements KeyedReader {
  readonly reader: ByteReader
  readonly facts: Facts
  readonly epoch: number
  uses: readonly UseNumbers[] = []
  lastUse = NO_USE
  /** Of the last context among all, from 1 up. 0: others have driven it out. */
  lastNumber = 0
  familyAt = 0
  familyEnd = 0
  private keyed = NO_USE
  private key = ''

  constructor(reader: ByteReader, facts: Facts, epoch: number) {
    this.reader = reader
    this.facts = facts
    this.epoch = epoch
  }

  keyAt(at: number): string {
    const use = this.uses[at]
    return use === undefined ? '' : this.keyOf(use)
  }

  /** Most of a record was done where it was used last: the key of one use is kept. */
  keyOf(use: UseNumbers): string {
    if (this.key === '' || !isOneUse(use, this.keyed)) {
      this.keyed = use
      this.key = keyOfUse(this.facts, use)
    }
    return this.key
  }
}

/** What a quiet verification asks: the first part of a record. */
export class ReadHead implements SessionHead {
  readonly id: string
  readonly subject: string
  readonly tenant: string
  readonly class: string
  readonly generation: number
  readonly createdAt: number
  readonly deadline: number
  readonly idleMs: number
  readonly factors: readonly string[]
  readonly attributesDigest: string | null
  readonly family: SessionFamily
  readonly fork: SessionState['fork']
  readonly failures: SessionState['failures']
  readonly last: SessionHead['last']
  readonly standing: Standing | undefined

  constructor(input: SessionReader, terms: Terms, attributesDigest: string | null) {
    const { reader } = input
    this.id = terms.id
    this.createdAt = terms.createdAt
    this.deadline = terms.deadline
    this.idleMs = terms.idleMs
    this.attributesDigest = attributesDigest
    this.generation = readUint(reader)
    this.subject = readText(reader)
    this.tenant = readWord(input)
    this.class = readWord(input)
    this.factors = readList(input, readWord)
    input.uses = readList(input, readUse)
    const use = readUse(input)
    const at = readTime(input)
    input.lastUse = use
    input.lastNumber = readUint(reader)
    this.standing = input.lastNumber === 0 ? undefined : readStanding(input)
    this.family = new ReadSessionFamily(input, readLiveSecrets)
    this.fork = readOptional(input, readFork)
    this.failures = readList(input, readFailed)
    this.last = new LastUse(input, use, at)
  }
}

/** As any family of tokens. They are what a rotation replaces. */
function readLiveSecrets(input: SessionReader): TokenFamily {
  input.familyAt = input.reader.at
  const family = readTokenFamily(input)
  input.familyEnd = input.reader.at
  return family
}

class LastUse {
  readonly context: string
  readonly address: string | null
  readonly device: Device
  readonly at: number

  constructor(input: SessionReader, use: UseNumbers, at: number) {
    this.context = input.keyOf(use)
    this.address = addressOf(input.facts, use)
    this.device = deviceOf(input.facts, use)
    this.at = at
  }
}
