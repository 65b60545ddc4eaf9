import { hkdfSync } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { Keyring } from 'holdfast/maintenance'
import type { Positions } from 'holdfast/store'
import { type Alerting, type AlertingState, createAlerting } from '../alerts/alerting.ts'
import { noticeKey } from '../alerts/notices/notice-key.ts'
import type { AlertSettings, NoticeSettings } from '../alerts/settings.ts'
import { openDatabase } from '../database.ts'
import { type FeedPart, isReadable } from '../entry.ts'
import type { Incidents } from '../findings/incident.ts'
import { incidentStore } from '../findings/incidents.ts'
import type { Rule } from '../findings/rule.ts'
import { type AuditLog, openAuditLog } from '../log/audit-log.ts'
import type { NoteSigner } from '../log/note.ts'
import { openVault, VAULT } from '../log/personal.ts'
import { chainOf, lastSegment } from '../log/segments.ts'
import type { AuditOutput, OutputState } from '../outputs/output.ts'
import type { ProblemLog } from '../problem-log.ts'
import { type ByClass, earliest } from '../retention.ts'
import type { Searches } from '../search/search.ts'
import type { PostgresAddress } from '../search/shared/postgres.ts'
import { type Trouble, troubleFields } from '../trouble.ts'
import type { Witness } from '../witness/ask-witness.ts'
import { openWitnesses, type WitnessState } from '../witness/witnesses.ts'
import { openDeskIndex } from './desk-index.ts'
import { detection } from './detection.ts'
import { noticeReader } from './notice-reader.ts'
import { outputReader } from './output-reader.ts'
import { logPump } from './pump.ts'
import { rereading } from './rereading.ts'

/**
 * Everything behind the audit log of one directory: the log itself, and what reads it. Synchronous
 * but for what goes over a network, so that it belongs into a worker.
 */
export interface AuditDesk {
  /** This process is the writer now. See `LogSink`. */
  begin(epoch: number, taken: Positions): Positions
  append(entries: readonly FeedPart[], through: Positions): Positions
  restart(oldest: Positions, heads: Positions): void
  /** Signs the tree as it is. Undefined while this process does not write. */
  checkpoint(): string | undefined
  /**
   * Gives the newest checkpoint to the witnesses. Answers it with what they have signed, where that
   * is new and was kept.
   */
  cosign(): Promise<string | undefined>
  /** Another process is the writer, or nobody. What is on its way to outputs goes on. */
  end(): Promise<void>
  readonly searches: Searches
  readonly incidents: Incidents
  readonly alerts: Alerting['alerts']
  /** Destroys what tells who a subject is, by its key. The writer's, as `append` is. */
  erase(subject: string): Promise<void>
  follow(rules: readonly Rule[]): void
  /** The key ring has changed in its place: what is under its older keys is moved. */
  ringChanged(): Promise<void>
  /**
   * Something is wrong with the service: the rules judge it, and who is to hear of it is told, also
   * where this process does not write the log. Then the finding is in no log.
   */
  tell(trouble: Trouble): void
  /** Forgets what is older than it is kept, of each class, in small steps. */
  prune(before: ByClass): Promise<void>
  state(): DeskState
  close(): Promise<void>
}

/** For metrics. */
export interface DeskState {
  /** Lines of the log; null while this process does not write. */
  readonly lines: number | null
  /** Everything in the log is in the index, and the rules have seen it. */
  readonly caughtUp: boolean
  readonly outputs: Readonly<Record<string, OutputState>>
  readonly witnesses: Readonly<Record<string, WitnessState>>
  readonly alerting: AlertingState
}

export interface DeskOptions {
  readonly directory: string
  readonly signer: NoteSigner
  readonly keyring: Keyring
  readonly rules: readonly Rule[]
  readonly alerts: AlertSettings
  readonly notices: NoticeSettings | undefined
  readonly outputs: readonly AuditOutput[]
  readonly witnesses: readonly Witness[]
  /** How many of them have to sign. */
  readonly quorum: number
  /** The index is there, and not in a file beside the log. */
  readonly index?: PostgresAddress | undefined
  readonly now: () => number
  readonly random: (size: number) => Uint8Array
  readonly log: ProblemLog
}

const DESK = 'desk.sqlite'
/** Whoever writes has taken the ring up by then, so that it never meets a key that it lacks. */
const STANDBY_MS = 5_000
const RETRY_MS = 60_000
const KEYS_MISSING =
  'The key ring lacks keys that personal parts of the audit log are sealed under: the log cannot ' +
  'go on with those subjects. Put them back into the file.'
const OUTPUT_GRACE_MS = 2_000
const TROUBLE_ID_BYTES = 16
const FINDINGS = 'holdfast/1/finding-ids'
const KEY_BYTES = 32

export function openDesk(options: DeskOptions): AuditDesk {
  const { directory, signer, keyring, outputs, now, random, log: tell } = options
  const vault = openVault({ path: join(directory, VAULT), keyring, now, random })
  const database = openDatabase(join(directory, DESK))
  const index = openDeskIndex(options, {
    vault,
    // Another process has the file that it writes.
    mayRenew: () => log !== undefined,
    onRenewed: () => pump.again(),
  })
  const incidents = incidentStore({ database })
  const alerting = createAlerting({
    ...{ database, settings: options.alerts, now, random, log: tell },
    notices: options.notices && { ...options.notices, key: noticeKey(keyring) },
  })
  const lineFrom = (instant: number): number => lineAt(directory, instant)
  const detected = detection({
    ...{ database, incidents, alerting, now, rules: options.rules, key: findingKey(keyring) },
    lineAt: lineFrom,
    onFound: (findings) => pump.appended(log?.appendFindings(findings) ?? []),
    onFault: (err) => tell.error({ err }, 'The rules cannot go on: they read the log once more.'),
    onUnlogged: (err) => tell.error({ err }, 'A finding about the service is in no log.'),
  })
  const notified = noticeReader({
    ...{ database, alerting, lineAt: lineFrom, now },
    onFault: (err) => tell.error({ err }, 'Notices cannot go on: they read the log once more.'),
  })
  const readers = [
    detected,
    ...index.readers,
    ...(options.notices === undefined ? [] : [notified]),
    ...outputs.map((output) => outputReader({ output, database, log: tell })),
  ]
  const pump = logPump({
    ...{ directory, vault, readers },
    onFault: (err) => tell.error({ err }, 'The audit log cannot be read.'),
  })
  const again = rereading()
  const witnesses = openWitnesses({
    ...{ directory, witnesses: options.witnesses, quorum: options.quorum, now, random },
    ...{ log: tell, onTrouble: troubled },
  })
  let log: AuditLog | undefined
  let moving = Promise.resolve()
  let later: NodeJS.Timeout | undefined
  let closed = false

  /** What is sealed under older keys of the ring goes under its current one. */
  function moveKeys(): Promise<void> {
    clearTimeout(later)
    moving = moving
      .then(() => vault.rewrap())
      .then(({ missing, damaged }) => {
        if (missing.length > 0) tell.error({ missing, directory }, KEYS_MISSING)
        if (damaged > 0) tell.error({ damaged, directory }, 'Keys of the audit log do not open.')
      })
      .catch((err: unknown) => {
        tell.error({ err }, 'The keys of the audit log were not moved: it is tried again.')
        moveKeysIn(RETRY_MS)
      })
    return moving
  }

  function moveKeysIn(ms: number): void {
    clearTimeout(later)
    if (!closed) later = setTimeout(() => void moveKeys(), ms).unref()
  }

  function writing(): AuditLog {
    if (log === undefined) throw new Error('This process does not write the audit log.')
    return log
  }

  function troubled(trouble: Trouble): void {
    const id = Buffer.from(random(TROUBLE_ID_BYTES)).toString('base64url')
    detected.judge(troubleFields(trouble, { id, at: now(), actor: hostname() }))
    alerting.start()
  }

  moveKeysIn(STANDBY_MS)
  return {
    begin(epoch, taken) {
      log?.close()
      pump.stop()
      const origin = lastSegment(directory)?.header.origin ?? newOrigin(signer, random)
      const opened = openAuditLog({
        ...{ directory, signer, origin, epoch, vault, now },
        elsewhere: taken,
      })
      log = opened
      const from = again.begin(directory, opened.positions())
      void moveKeys()
      pump.begin(opened)
      index.begin()
      alerting.start()
      return from
    },
    append(entries, through) {
      const into = writing()
      for (const { gap, entries: next } of again.sort(entries)) {
        if (gap !== undefined) {
          into.appendGaps([gap])
          troubled('store_rolled_back')
        }
        pump.appended(into.append(next))
        if (!next.every(isReadable)) troubled('audit_gap')
      }
      into.append([], through)
      index.wake()
      return into.positions()
    },
    restart(oldest, heads) {
      const into = writing()
      const isNew = into.positions().every((sequence) => sequence === 0)
      const gaps = again.restart(oldest, heads)
      into.appendGaps(gaps)
      // What was before the log began, it has not missed.
      if (!isNew && gaps.some(({ reason }) => reason === 'dropped')) troubled('audit_gap')
    },
    checkpoint: () => log?.checkpoint(),
    async cosign() {
      const into = log
      if (into === undefined || options.witnesses.length === 0) return undefined
      const note = await witnesses.cosign(into.checkpoint())
      return note !== undefined && into === log && into.cosigned(note) ? note : undefined
    },
    async end() {
      log?.close()
      log = undefined
      pump.stop()
      await alerting.stop()
    },
    searches: index.searches,
    incidents: {
      list: async (query) => incidents.list(query),
      show: async (id) => incidents.show(id),
      judge: async (id, judgement) =>
        database.transaction(() => {
          const before = incidents.show(id)
          const answer = incidents.judge(id, judgement)
          if (answer.ok) alerting.raise(before, answer.incident)
          return answer
        }),
    },
    alerts: alerting.alerts,
    async erase(subject) {
      writing().erase(subject)
      database.transaction(() => {
        incidents.erase(subject)
        detected.erase(subject)
        alerting.forget(subject)
      })
      // The log of a database keeps pages as they were until it is written back.
      database.all('PRAGMA wal_checkpoint(TRUNCATE)')
      await index.forget(subject)
    },
    follow: detected.follow,
    async ringChanged() {
      if (log === undefined) return moveKeysIn(STANDBY_MS)
      await moveKeys()
      // What it met under a key that came with this ring, it has not read.
      pump.again()
    },
    tell: troubled,
    async prune(before) {
      const { detection: found } = before
      vault.eraseDays(earliest(before))
      while (database.transaction(() => incidents.prune(found) + detected.prune(found)) > 0) {}
      while (alerting.prune(found) > 0) {}
      try {
        while (log?.retire(before) === false) await turn()
      } finally {
        // It may be in a database that is away, and the log with a segment that was changed.
        await index.prune(before)
      }
    },
    state: () => ({
      lines: log?.size() ?? null,
      caughtUp: pump.isCaughtUp() && index.isCaughtUp(),
      outputs: Object.fromEntries(outputs.map((output) => [output.name, output.state()])),
      witnesses: witnesses.state(),
      alerting: alerting.state(),
    }),
    async close() {
      closed = true
      clearTimeout(later)
      witnesses.close()
      await this.end()
      await Promise.all(outputs.map((output) => output.close(OUTPUT_GRACE_MS)))
      await index.close()
      database.close()
      vault.close()
      await moving
    },
  }
}

/** From the index key of the ring, which never changes: a replay finds nothing twice. */
function findingKey({ index }: Keyring): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', index, new Uint8Array(0), FINDINGS, KEY_BYTES))
}

/** Names the log of a directory: the key may sign those of several machines. */
function newOrigin({ name }: NoteSigner, random: (size: number) => Uint8Array): string {
  return `${name}/${hostname()}-${Buffer.from(random(4)).toString('hex')}`
}

/** First line of the last segment that begins before an instant. */
function lineAt(directory: string, instant: number): number {
  const { segments } = chainOf(directory)
  return segments.findLast(({ header }) => header.at < instant)?.header.index ?? 0
}
