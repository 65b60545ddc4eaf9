import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type Host, SessionError, type Store } from 'holdfast'
import { eventLog, formatKeyring, type Keyring, namedRecord } from 'holdfast/maintenance'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import { createOnce, readSecretFile } from '../main/secret-file.ts'
import type { Alerts } from './alerts/alerts.ts'
import { callerFault } from './caller-fault.ts'
import type { DeskState } from './desk/desk.ts'
import type { DeskLine, DeskMethods, DeskSettings } from './desk/worker.ts'
import { followRules } from './findings/follow-rules.ts'
import type { Incidents } from './findings/incident.ts'
import type { Rule } from './findings/rule.ts'
import { DEFAULT_RULES, rulesIn } from './findings/rules-file.ts'
import { NOTE_KEY } from './log/files.ts'
import { newNoteKey } from './log/note.ts'
import { type ByClass, byClass } from './retention.ts'
import type { Searches } from './search/search.ts'
import { indexAddress } from './search/shared/index-address.ts'
import { askOver, type Remote } from './thread/port.ts'
import type { Trouble } from './trouble.ts'
import { WRITER_RECORD, writerLease } from './writer/lease.ts'
import { runAuditWriter, type WriterState } from './writer/writer.ts'

/** The audit log of this process, which writes it or stands by. */
export interface Audit {
  readonly searches: Searches
  readonly incidents: Incidents
  readonly alerts: Alerts
  /** Destroys what tells who a subject is, by its key. */
  erase(subject: string): Promise<void>
  /** Something is wrong with the service. False where nobody could be told. Never rejects. */
  tell(trouble: Trouble): Promise<boolean>
  /** Whether this process should write the log, and cannot. */
  isFailing(): boolean
  /** For metrics. Undefined while it cannot be asked. */
  state(): Promise<AuditState | undefined>
  /** A ring was taken up. */
  changeRing(): void
  /** Idempotent. */
  close(): Promise<void>
}

export interface AuditState extends DeskState {
  readonly writer: WriterState['is']
}

export interface AuditOptions {
  readonly directory: string
  readonly config: Config
  readonly store: Store
  readonly keyring: Keyring
  readonly host: Host
  readonly log: Logger
  /** How often the log is signed (default a minute). */
  readonly checkpointEveryMs?: number
}

const CHECKPOINT_EVERY_MS = 60_000
const PRUNE_EVERY_MS = 3_600_000
const RULES_EVERY_MS = 1_000
const STATE_WITHIN_MS = 1_000
const COSIGNED_WITHIN_MS = 2_000

/**
 * Opens what is behind the audit log in a thread of its own, and begins to write where no other
 * process does. Throws `config_invalid` for a key or rules that cannot be read.
 */
export function openAudit(options: AuditOptions): Audit {
  const { directory, config, store, keyring, host, log } = options
  let rules = rulesIn(config.findingRules ?? DEFAULT_RULES)
  const key = noteKey(options)
  const desk = deskThread(log, () => ({
    ...{ directory, key, rules, version: VERSION },
    ...{ alerts: config.alerts, notices: config.notices, outputs: config.auditOutputs },
    witnesses: config.auditWitnesses,
    quorum: config.auditWitnessQuorum ?? config.auditWitnesses.length,
    index: indexAddress(config),
    keyring: formatKeyring(keyring),
  }))
  const stop = new AbortController()
  let closing: Promise<void> | undefined
  let state: WriterState = { is: 'standby', holder: undefined }
  const machine = config.auditMachine ?? hostname()
  const owner = `${machine} ${process.pid} ${Buffer.from(host.random(6)).toString('hex')}`
  const written = runAuditWriter({
    lease: writerLease({
      record: namedRecord({ store, keyring, host, name: WRITER_RECORD }),
      now: () => host.now(),
      owner,
    }),
    // A thread that has ended is followed by another.
    sink: {
      begin: async (epoch, taken) => desk.methods().begin(epoch, taken),
      append: async (entries, through) => desk.methods().append(entries, through),
      restart: async (oldest, heads) => desk.methods().restart(oldest, heads),
    },
    events: eventLog({ store, keyring, onWarning: (message) => log.warn(message) }),
    feed: store.feed,
    onRollback: store.onRollback,
    stop: stop.signal,
    onState(next) {
      state = next
      tellState(log, next)
      // Its successor sends the alerts.
      if (next.is === 'standby')
        desk
          .methods()
          .end()
          .catch(() => {})
    },
  })
  const followed = followedRules(config.findingRules, log, (next) => {
    rules = next
    desk
      .methods()
      .follow(next)
      .catch(() => {})
  })
  const timers = [
    every(options.checkpointEveryMs ?? CHECKPOINT_EVERY_MS, async () => {
      await signed(desk.methods(), log)
      await cosigned(desk.methods(), log)
    }),
    every(PRUNE_EVERY_MS, () => desk.methods().prune(keptSince(config.auditKeep, host.now()))),
  ]

  function every(ms: number, work: () => Promise<unknown>): NodeJS.Timeout {
    const timer = setInterval(() => {
      if (state.is !== 'writing') return
      work().catch((err: unknown) => log.error({ err }, 'audit log: upkeep failed'))
    }, ms)
    return timer.unref()
  }

  /** What another machine has written is not here. */
  function here(): Remote<DeskMethods> {
    const [writing] = (state.is === 'standby' ? state.holder : undefined)?.split(' ') ?? []
    if (writing === undefined || writing === machine) return desk.methods()
    throw callerFault(`The audit log is written on ${writing} now: ask the service there.`)
  }

  /** What is in PostgreSQL is everywhere. */
  function searched(): Remote<DeskMethods> {
    return config.auditDatabase === undefined ? here() : desk.methods()
  }

  /** What cannot be reached may be the database of the index, which is not the store. */
  async function indexed<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      const isAway = cause instanceof SessionError && cause.code === 'store_unavailable'
      if (!isAway || config.auditDatabase === undefined) throw cause
      throw callerFault(
        'The index of the audit log cannot be used now. Sessions do without it, and it follows ' +
          'the log, erasures included, once it answers.',
        { cause },
      )
    }
  }

  return {
    searches: {
      events: async (search) => indexed(() => searched().findEvents(search)),
      sessions: async (search) => indexed(() => searched().findSessions(search)),
      subjects: async (search) => indexed(() => searched().findSubjects(search)),
    },
    incidents: {
      list: async (query) => here().listIncidents(query),
      show: async (id) => here().showIncident(id),
      judge: async (id, judgement) => here().judgeIncident(id, judgement),
    },
    alerts: {
      list: async (query) => here().listAlerts(query),
      show: async (id) => here().showAlert(id),
      test: async (target) => here().testAlert(target),
      replay: async (id, target) => here().replayAlert(id, target),
    },
    async erase(subject) {
      if (state.is !== 'writing') {
        throw callerFault(
          'Only the process that writes the audit log can erase a subject, and it is another one.',
        )
      }
      await indexed(() => desk.methods().erase(subject))
    },
    async tell(trouble) {
      try {
        await desk.methods().tell(trouble)
        return true
      } catch (err) {
        log.error({ err, trouble }, 'audit log: what is wrong could not be told')
        return false
      }
    },
    isFailing: () => state.is === 'failing',
    async state() {
      const asked = async (): Promise<DeskState> => desk.methods().state()
      const told = await within(STATE_WITHIN_MS, asked()).catch(() => undefined)
      return told && { ...told, writer: state.is }
    },
    changeRing: () =>
      void desk
        .methods()
        .changeRing(formatKeyring(keyring))
        .catch(() => {}),
    close() {
      closing ??= close()
      return closing
    },
  }

  async function close(): Promise<void> {
    for (const timer of timers) clearInterval(timer)
    followed.close()
    stop.abort()
    await written
    if (state.is === 'writing') {
      await signed(desk.methods(), log).catch(() => {})
      // Where this was the last writer, nobody else will ask the witnesses for these lines.
      await within(COSIGNED_WITHIN_MS, cosigned(desk.methods(), log)).catch(() => {})
    }
    await desk.close()
  }
}

function keptSince(keep: ByClass, now: number): ByClass {
  return byClass((name) => now - keep[name])
}

/** The key of the configuration, or one that is made inside the directory. */
function noteKey({ directory, config, host, log }: AuditOptions): string {
  const path = config.auditKey ?? join(directory, NOTE_KEY)
  if (config.auditKey === undefined) {
    log.warn(
      { file: path },
      'The key of the audit log lies inside its directory: whoever can change the log can sign ' +
        'it. Make one elsewhere with "holdfast audit keys new FILE" and set HOLDFAST_AUDIT_KEY.',
    )
    createOnce(path, `${newNoteKey('holdfast-audit', (size) => host.random(size))}\n`)
  }
  return readSecretFile(
    { path, name: 'The key of the audit log', fix: 'Make it with "holdfast audit keys new FILE".' },
    log,
  ).trim()
}

function followedRules(
  path: string | undefined,
  log: Logger,
  changed: (rules: readonly Rule[]) => void,
): { close(): void } {
  if (path === undefined) return { close() {} }
  return followRules(path, {
    everyMs: RULES_EVERY_MS,
    changed(rules) {
      log.info({ file: path, rules: rules.length }, 'rules taken up')
      changed(rules)
    },
    failed: (err) => log.error({ err, file: path }, 'the file of rules cannot be taken up'),
  })
}

/** A copy of each checkpoint in the log of the service bears witness elsewhere. */
async function signed({ checkpoint }: Remote<DeskMethods>, log: Logger): Promise<void> {
  const note = await checkpoint()
  if (note !== undefined) log.info({ checkpoint: note }, 'audit log: checkpoint')
}

async function cosigned({ cosign }: Remote<DeskMethods>, log: Logger): Promise<void> {
  const note = await cosign()
  if (note !== undefined) log.info({ checkpoint: note }, 'audit log: witnesses have signed')
}

/** Undefined where it takes longer. */
function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  const late = new Promise<undefined>((resolve) => {
    setTimeout(resolve, ms, undefined).unref()
  })
  return Promise.race([work, late])
}

function tellState(log: Logger, state: WriterState): void {
  if (state.is === 'failing') log.error({ err: state.error }, 'audit log: it cannot be written')
  else if (state.is === 'writing')
    log.info({ epoch: state.epoch }, 'audit log: this process writes')
  else log.info({ holder: state.holder }, 'audit log: another process writes')
}

interface DeskThread {
  /** Those of the thread that runs: another is started where one has ended. */
  methods(): Remote<DeskMethods>
  close(): Promise<void>
}

/** The desk in a worker. */
function deskThread(log: Logger, settings: () => DeskSettings): DeskThread {
  let running: { readonly worker: Worker; readonly remote: Remote<DeskMethods> } | undefined
  let closed = false

  function start(): NonNullable<typeof running> {
    const worker = new Worker(WORKER, { workerData: settings() })
    const { remote, lost } = askOver<DeskMethods>(worker, (told) => {
      const { level, fields, message } = told as DeskLine
      log[level](fields, message)
    })
    worker.on('error', (err) => log.error({ err }, 'audit log: its thread has ended'))
    worker.once('exit', () => {
      lost(new SessionError('store_unavailable', 'The thread of the audit log has ended.'))
      if (running?.worker === worker) running = undefined
    })
    worker.unref()
    return { worker, remote }
  }

  function methods(): Remote<DeskMethods> {
    if (closed) throw new SessionError('store_unavailable', 'The audit log is closed.')
    running ??= start()
    return running.remote
  }

  return {
    methods,
    async close() {
      closed = true
      const last = running
      await last?.remote.close().catch((err: unknown) => {
        log.error({ err }, 'audit log: it was not closed in order')
      })
      await last?.worker.terminate()
    },
  }
}

/** Threads run what was built, also where the sources are run as they are. */
const WORKER = [
  new URL('./desk/worker.js', import.meta.url),
  new URL('../../dist/audit/desk/worker.js', import.meta.url),
].find((url) => existsSync(url)) as URL

const VERSION = String(
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version,
)
