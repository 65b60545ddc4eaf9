import type { NamedRecord } from 'holdfast/maintenance'
import type { Cursor } from 'holdfast/store'

/** Which process of an estate writes the audit log, and how far it has come. */
export interface WriterLease {
  /**
   * Tries to become the writer. Undefined while another one is. A new holder has a higher `epoch`
   * than any before, and goes on after `taken`.
   */
  acquire(): Promise<Held | undefined>
  /**
   * Keeps the lease and notes what is safely in the log. False: another process is the writer now.
   * Every acknowledgement is a compare-and-set of the record that an acquisition changes, so a
   * writer that has slept through its lease acknowledges nothing.
   */
  renew(taken: Cursor): Promise<boolean>
  /** Lets another process write at once. */
  release(): Promise<void>
  /** Who writes, as the record said when it was last read. */
  holder(): string | undefined
}

/** A lease that was acquired. */
export interface Held {
  readonly epoch: number
  /** Undefined: nothing was ever taken. */
  readonly taken: Cursor | undefined
}

export interface WriterLeaseOptions {
  readonly record: NamedRecord
  readonly now: () => number
  /** Names this process among all: host, process and something of chance. */
  readonly owner: string
}

/** How long a writer that says nothing is waited for, ms. */
export const LEASE_MS = 15_000

/**
 * A writer renews its lease a few times while it lasts. One that has not been for so long is over
 * whatever it says: the clock of its writer was ahead. To take it is safe, as to renew it is a
 * compare-and-set.
 */
const UNRENEWED_MS = 2 * LEASE_MS

interface Lease {
  readonly epoch: number
  readonly owner: string
  readonly until: number
  readonly taken: Cursor | null
}

/** Name of the record in the store that says who writes. */
export const WRITER_RECORD = 'audit writer'

const NONE: Lease = { epoch: 0, owner: '', until: 0, taken: null }

export function writerLease({ record, now, owner }: WriterLeaseOptions): WriterLease {
  let mine: { readonly version: number; readonly lease: Lease } | undefined
  let holder: string | undefined
  /** Of this process. A store that lost writes may know of a lower one. */
  let lastEpoch = 0
  let seen = { version: -1, at: 0 }

  /** Whether a lease goes on, by the clock of this process. */
  function isLive(version: number, { until }: Lease): boolean {
    const at = now()
    if (version !== seen.version) seen = { version, at }
    return until > at && Math.abs(at - seen.at) < UNRENEWED_MS
  }

  async function write(version: number, lease: Lease): Promise<boolean> {
    mine = undefined
    if ((await record.write(version, lease)) === 'conflict') return false
    mine = { version: version + 1, lease }
    holder = owner
    return true
  }

  return {
    async acquire() {
      const { version, value } = await record.read()
      const before = leaseOf(value)
      holder = isLive(version, before) ? before.owner : undefined
      if (holder !== undefined && holder !== owner) return undefined
      const epoch = Math.max(before.epoch, lastEpoch) + 1
      const lease = { epoch, owner, until: now() + LEASE_MS, taken: before.taken }
      if (!(await write(version, lease))) return undefined
      lastEpoch = epoch
      return { epoch, taken: before.taken ?? undefined }
    },
    async renew(taken) {
      if (mine === undefined) return false
      const { version, lease } = mine
      return write(version, { ...lease, until: now() + LEASE_MS, taken })
    },
    async release() {
      if (mine === undefined) return
      const { version, lease } = mine
      await write(version, { ...lease, until: 0 })
      mine = undefined
      holder = undefined
    },
    holder: () => holder,
  }
}

/** What an operator can know of the writer from outside. */
export interface Writer {
  /** Undefined: nobody writes now. */
  readonly holder: string | undefined
  /** When its lease ends, or has ended. 0 where it was given back, or nobody ever wrote. */
  readonly until: number
  /** What is acknowledged. Undefined: nothing. */
  readonly taken: Cursor | undefined
}

/** Who writes the audit log, as the store says. */
export async function writerOf({
  record,
  now,
}: Pick<WriterLeaseOptions, 'record' | 'now'>): Promise<Writer> {
  const { owner, until, taken } = leaseOf((await record.read()).value)
  return { holder: until > now() ? owner : undefined, until, taken: taken ?? undefined }
}

/**
 * Forgets who writes and how far it has come. The epoch stays, so that a log that is switched on
 * again goes on after its last segment. False where the record was written meanwhile.
 */
export async function forgetWriter(record: NamedRecord): Promise<boolean> {
  const { version, value } = await record.read()
  if (value === undefined) return true
  const { epoch } = leaseOf(value)
  return (await record.write(version, { ...NONE, epoch })) !== 'conflict'
}

/** Only processes of this estate can seal a record, so that its form is believed. */
function leaseOf(value: unknown): Lease {
  return value === undefined ? NONE : (value as Lease)
}
