import type { Codec } from '../codecs/codec.ts'
import type { FactReader } from '../codecs/record-facts.ts'
import type { AccessTokens } from '../core/access-token.ts'
import type { Policy } from '../core/decision.ts'
import type { Host } from '../core/host.ts'
import type { Lifetime } from '../core/lifetimes.ts'
import type { Device, Network, RequestFacts } from '../core/request.ts'
import type { Store } from '../core/store.ts'
import type { FastPolicy } from './judging/fast-policy.ts'
import type { Scales } from './judging/weigh.ts'
import type { LocalCopies } from './local-copies/copies.ts'
import type { EventWriter } from './state/events.ts'
import type { Records } from './state/records.ts'
import type { Touches } from './state/touches.ts'

/** What every operation of the engine works with; made once by `createSessions`. */
export interface EngineContext {
  readonly store: Store
  readonly codec: Codec
  readonly host: Host
  readonly scalesOf: (tenant: string) => TenantScales
  readonly shadow: Policy | undefined
  readonly describeNetwork: (ip: string | null) => Network
  readonly describeDevice: (request: RequestFacts) => Device
  readonly readFacts: FactReader
  readonly records: Records
  /** Absent: every request reads the store. */
  readonly copies: LocalCopies | undefined
  readonly lifetimeOf: (tenant: string, name: string) => Lifetime | undefined
  readonly limit: SessionLimit | undefined
  readonly acrOrder: readonly string[]
  readonly rotateEveryMs: number
  readonly tokens: AccessTokens | undefined
  readonly eventWriter: EventWriter
  readonly touches: Touches
  readonly versions: VersionGuard
  /** What an event has told of: the newest dead line of each session, the newest history of each subject that does not open, the last refresh tokens that came again. */
  readonly reported: VersionGuard
}

/** What decides about the sessions of a tenant. */
export interface TenantScales extends Scales {
  readonly fast: FastPolicy
}

/** How many live sessions a subject may have, and what a login beyond that does. */
export interface SessionLimit {
  readonly max: number
  readonly beyond: 'refuse' | 'end_oldest'
}

/** The highest version of each record this process has seen: a lower one means that the store was rolled back. */
export interface VersionGuard {
  seen(id: string): number
  note(id: string, version: number): void
}

const REMEMBERED = 100_000

export function versionGuard(): VersionGuard {
  const versions = new Map<string, number>()
  return {
    seen: (id) => versions.get(id) ?? 0,
    note(id, version) {
      if (version <= (versions.get(id) ?? 0)) return
      versions.delete(id)
      versions.set(id, version)
      if (versions.size <= REMEMBERED) return
      const [oldest] = versions.keys()
      if (oldest !== undefined) versions.delete(oldest)
    },
  }
}
