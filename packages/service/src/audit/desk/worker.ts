import { randomFillSync } from 'node:crypto'
import { hostname } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { parseKeyring } from 'holdfast'
import type { Positions } from 'holdfast/store'
import { ringInPlace } from '../../main/ring-in-place.ts'
import type { AlertQuery } from '../alerts/alerts.ts'
import type { AlertSettings, NoticeSettings } from '../alerts/settings.ts'
import type { FeedPart } from '../entry.ts'
import type { IncidentQuery, Judgement } from '../findings/incident.ts'
import type { Rule } from '../findings/rule.ts'
import { noteSigner } from '../log/note.ts'
import { type AuditOutputConfig, openOutputs } from '../outputs/outputs.ts'
import type { ProblemLog } from '../problem-log.ts'
import type { ByClass } from '../retention.ts'
import type { Search } from '../search/search.ts'
import type { PostgresAddress } from '../search/shared/postgres.ts'
import { answerOn, type PortEnd, tellOver } from '../thread/port.ts'
import type { Trouble } from '../trouble.ts'
import { type WitnessConfig, witnessOf } from '../witness/settings.ts'
import { type AuditDesk, type DeskState, openDesk } from './desk.ts'

/** What a worker with the desk is started with. It holds secrets. */
export interface DeskSettings {
  readonly directory: string
  /** The private key of notes, as its file has it. */
  readonly key: string
  /** As the file of a key ring has it. */
  readonly keyring: string
  readonly rules: readonly Rule[]
  readonly alerts: AlertSettings
  readonly notices: NoticeSettings | undefined
  readonly outputs: readonly AuditOutputConfig[]
  readonly witnesses: readonly WitnessConfig[]
  readonly quorum: number
  readonly index: PostgresAddress | undefined
  readonly version: string
}

/** The desk as another thread calls it. */
export type DeskMethods = ReturnType<typeof methodsOf>

/** A line for the log of the service. */
export interface DeskLine {
  readonly level: keyof ProblemLog
  readonly fields: object
  readonly message: string
}

if (parentPort !== null) serve(parentPort, workerData as DeskSettings)

function serve(port: PortEnd, settings: DeskSettings): void {
  const now = (): number => Date.now()
  const random = (size: number): Uint8Array => randomFillSync(new Uint8Array(size))
  const say =
    (level: DeskLine['level']) =>
    (fields: object, message: string): void =>
      tellOver(port, { level, fields, message } satisfies DeskLine)
  const log = { warn: say('warn'), error: say('error') }
  let ring = parseKeyring(settings.keyring)
  const outputs = openOutputs(settings.outputs, {
    now,
    random,
    onProblem: (message) => log.warn({}, message),
    stdout: process.stdout,
    origin: { hostname: hostname(), processId: String(process.pid) },
    version: settings.version,
  })
  const { directory, rules, alerts, notices, quorum, index } = settings
  const desk = openDesk({
    ...{ directory, rules, alerts, notices, outputs, quorum, index, now, random, log },
    witnesses: settings.witnesses.map(witnessOf),
    signer: noteSigner(settings.key),
    keyring: ringInPlace(() => ring),
  })
  const changeRing = (text: string): Promise<void> => {
    ring = parseKeyring(text)
    return desk.ringChanged()
  }
  answerOn(port, methodsOf(desk, changeRing))
}

function methodsOf(desk: AuditDesk, changeRing: (text: string) => Promise<void>) {
  return {
    begin: (epoch: number, taken: Positions): Positions => desk.begin(epoch, taken),
    append: (entries: readonly FeedPart[], through: Positions): Positions =>
      desk.append(entries, through),
    restart: (oldest: Positions, heads: Positions): void => desk.restart(oldest, heads),
    checkpoint: (): string | undefined => desk.checkpoint(),
    cosign: (): Promise<string | undefined> => desk.cosign(),
    end: (): Promise<void> => desk.end(),
    findEvents: (search: Search) => desk.searches.events(search),
    findSessions: (search: Search) => desk.searches.sessions(search),
    findSubjects: (search: Search) => desk.searches.subjects(search),
    listIncidents: (query: IncidentQuery) => desk.incidents.list(query),
    showIncident: (id: string) => desk.incidents.show(id),
    judgeIncident: (id: string, judgement: Judgement) => desk.incidents.judge(id, judgement),
    listAlerts: (query: AlertQuery) => desk.alerts.list(query),
    showAlert: (id: string) => desk.alerts.show(id),
    testAlert: (target?: string) => desk.alerts.test(target),
    replayAlert: (id: string, target?: string) => desk.alerts.replay(id, target),
    erase: (subject: string): Promise<void> => desk.erase(subject),
    follow: (rules: readonly Rule[]): void => desk.follow(rules),
    tell: (trouble: Trouble): void => desk.tell(trouble),
    prune: (before: ByClass): Promise<void> => desk.prune(before),
    state: (): DeskState => desk.state(),
    changeRing,
    close: (): Promise<void> => desk.close(),
  }
}
