import { createHash } from 'node:crypto'
import type { Host, Store } from 'holdfast'
import {
  type EventRecorder,
  type Keyring,
  type NamedRecord,
  namedRecord,
} from 'holdfast/maintenance'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import { untilKept } from './until-kept.ts'

export interface PolicyEventOptions {
  readonly config: Config
  readonly record: NamedRecord
  readonly recorder: Pick<EventRecorder, 'record'>
  readonly host: Pick<Host, 'random' | 'now'>
  readonly log: Pick<Logger, 'warn'>
  readonly stop: AbortSignal
  /** Pause before the store is asked again, where it is away or another one tells (default 5 s). */
  readonly retryMs?: number
}

const BY_BYTES = 16
/** A process that has not told for so long has ended before it could. */
const TELLING_MS = 60_000

/** What the processes of a store agree on. */
interface Told {
  readonly digest: string
  /** There was an audit log that has it, or a later one. */
  readonly audited: boolean
  /** Names the process that tells. */
  readonly by: string
  /** As long as the event is not kept. */
  readonly telling?: { readonly since: number; readonly reason: string }
}

/** The record in the store that says which policy was told of last. */
export function policyRecord(parts: {
  readonly store: Pick<Store, 'subjects'>
  readonly keyring: Keyring
  readonly host: Host
}): NamedRecord {
  return namedRecord({ ...parts, name: 'policy in force' })
}

/**
 * Puts the policy of this process among the events where it is another than the one that was told
 * of last, once for all processes of a store. `taken_up` replaces another one; `in_force` is the
 * first that is told of, or is told once more, so that a new audit log has it. Resolves when it is
 * told, or never will be.
 */
export async function tellPolicy(options: PolicyEventOptions): Promise<void> {
  const { recorder, log, stop, retryMs } = options
  const policy = policyIn(options.config)
  const { claim, settle } = claims(policy.digest, options)
  let isKept = false

  async function attempt(): Promise<'done' | 'again'> {
    const reason = await claim()
    if (reason === undefined) return 'done'
    if (reason === OTHER_TELLS) return 'again'
    if (!isKept) await recorder.record('policy-changed', { reason, policy })
    isKept = true
    await settle()
    return 'done'
  }

  const problem = 'the event of a policy could not be kept'
  await untilKept(attempt, { problem, log, stop, retryMs })
}

const OTHER_TELLS = Symbol('another process tells')

interface Claims {
  /**
   * Answers why it is for this process to tell, undefined where another one has told. May be asked
   * again where the store did not answer, or the event could not be kept.
   */
  claim(): Promise<string | typeof OTHER_TELLS | undefined>
  /** The event is kept: nobody else need tell. */
  settle(): Promise<void>
}

function claims(digest: string, { record, config, host }: PolicyEventOptions): Claims {
  const isAudited = config.auditDirectory !== undefined
  const by = Buffer.from(host.random(BY_BYTES)).toString('base64url')
  let reason: string | undefined

  return {
    async claim() {
      for (;;) {
        const { version, value } = await record.read()
        // Only processes of this estate can seal a record, so that its form is believed.
        const before = value as Told | undefined
        if (before?.by === by) return reason
        const audited = isAudited || before?.audited === true
        const isTold = before?.digest === digest
        const telling = isTold ? before.telling : undefined
        if (isTold && before.audited === audited) {
          if (telling === undefined) return undefined
          if (host.now() - telling.since < TELLING_MS) return OTHER_TELLS
        }
        reason = telling?.reason ?? (before === undefined || isTold ? 'in_force' : 'taken_up')
        const told: Told = { digest, audited, by, telling: { since: host.now(), reason } }
        await record.write(version, told)
      }
    },

    async settle() {
      const { version, value } = await record.read()
      if (value === undefined) return
      const { telling: _, ...told } = value as Told
      // Where another process has written meanwhile, it tells once more.
      if (told.by === by) await record.write(version, told)
    },
  }
}

/** There is no audit log any more: another one is told of the policy anew. */
export async function forgetAudited(record: NamedRecord): Promise<void> {
  const { version, value } = await record.read()
  if (value === undefined) return
  await record.write(version, { ...(value as Told), audited: false } satisfies Told)
}

/** What decides about sessions. */
function policyIn(config: Config): { readonly digest: string; readonly summary: string } {
  const { policy, tenantPolicies, shadowPolicy, idleTimeout, absoluteTimeout } = config
  const { classes, tenants, sessionLimit, rotateEvery, prefixV4, prefixV6 } = config
  const summary = JSON.stringify({
    ...{ policy, tenantPolicies, shadowPolicy, idleTimeout, absoluteTimeout },
    ...{ classes, tenants, sessionLimit, rotateEvery, prefixV4, prefixV6 },
  })
  return { digest: createHash('sha256').update(summary).digest('hex'), summary }
}
