import { createHash } from 'node:crypto'
import type { Database, SqlValue } from '../database.ts'
import { ERASED, type Finding, type Incident } from '../finding.ts'
import type {
  IncidentDetail,
  IncidentPage,
  IncidentQuery,
  IncidentSummary,
  Judged,
  Judgement,
} from './incident.ts'
import {
  changeOf,
  findingOf,
  INCIDENT_STEPS,
  rankOf,
  summaryOf,
  valuesOf,
} from './incident-tables.ts'

/**
 * What a finding did. `opened` and `worsened` are news for those who are on duty; `joined` is not,
 * and `known` was there already.
 */
export interface Added {
  readonly change: 'opened' | 'worsened' | 'joined' | 'known'
  /** As it was. Undefined where the finding has opened it. */
  readonly before: Incident | undefined
  readonly incident: Incident
}

/**
 * Findings as incidents, in the embedded SQL. Synchronous. A call writes several rows: the caller
 * puts it into a transaction, together with what follows from it, as an alert.
 */
export interface IncidentStore {
  /**
   * Puts a finding into the incident that it belongs to, or opens one. Idempotent by the id of the
   * finding. It belongs to the live incident of its session, else to that of its subject. Networks
   * are shared, so only a finding that names neither belongs to that of its network, and one that
   * names no network to that of its rule and group. Live incidents that a finding ties together
   * become one, that of the session.
   */
  add(finding: Finding): Added
  list(query: IncidentQuery): IncidentPage
  show(id: string): IncidentDetail | undefined
  judge(id: string, judgement: Judgement): Judged
  /**
   * Forgets incidents that were last touched before an instant, and the oldest of too many; at most
   * a thousand at once. Answers how many: call again while there are some.
   */
  prune(before: number): number
  /**
   * Forgets what tells who a subject is: in titles and texts, groups, networks and notes. The key
   * of the subject stays, as in the audit log.
   */
  erase(subject: string): void
}

export interface IncidentOptions {
  readonly database: Database
  /** An incident that was silent for longer takes no more findings (default 24 h). */
  readonly joinMs?: number
  /** Most incidents that are kept (default 100,000). */
  readonly most?: number
}

const JOIN_MS = 86_400_000
const MOST_INCIDENTS = 100_000
const MOST_FINDINGS = 50
const MOST_CHANGES = 100
const PRUNED_AT_ONCE = 1_000
const ID_BYTES = 16
/** Who judged, where nobody did. */
const ENGINE = 'holdfast'
const LIVE: readonly string[] = ['open', 'acknowledged']

type Key = readonly [kind: 'session' | 'subject' | 'network' | 'group', value: string]

export function incidentStore({
  database,
  joinMs = JOIN_MS,
  most = MOST_INCIDENTS,
}: IncidentOptions): IncidentStore {
  const { all, run } = database
  database.migrate('incidents', INCIDENT_STEPS)

  function add(finding: Finding): Added {
    const known = all('SELECT incident FROM incident_findings WHERE id = ?', [finding.id])[0]
    if (known !== undefined) {
      const incident = incidentOf(String(known.incident))
      return { change: 'known', before: incident, incident }
    }
    const keys = keysOf(finding)
    const before = keys.flatMap(newestOf)
    const [home, ...others] = before.filter((one) => isLive(one, finding.at))
    const earlier = home === undefined ? undefined : incidentOf(home.id)
    const last = before[0]?.id ?? null
    const next = home === undefined ? opened(finding, last) : joined(home, finding)
    save(next)
    for (const other of others) if (other.id !== next.id) merge(other, next.id, finding.at)
    for (const key of keys) keep(key, next.id)
    run(
      'INSERT INTO incident_findings (id, incident, at, subject, finding) VALUES (?, ?, ?, ?, ?)',
      [finding.id, next.id, finding.at, finding.subject, JSON.stringify(finding)],
    )
    trim(next.id)
    const incident = incidentOf(next.id)
    if (home === undefined) return { change: 'opened', before: earlier, incident }
    const isWorse = rankOf(incident.severity) > rankOf(home.severity)
    return { change: isWorse ? 'worsened' : 'joined', before: earlier, incident }
  }

  /** The incidents with a key, the newest alone. */
  function newestOf([kind, value]: Key): readonly IncidentSummary[] {
    return all(
      `SELECT i.* FROM incident_keys k JOIN incidents i ON i.id = k.incident
       WHERE k.kind = ? AND k.value = ? ORDER BY i.opened_at DESC, i.id DESC LIMIT 1`,
      [kind, value],
    ).map(summaryOf)
  }

  function isLive({ state, updatedAt }: IncidentSummary, at: number): boolean {
    return LIVE.includes(state) && at - updatedAt <= joinMs
  }

  function save(incident: IncidentSummary): void {
    // Not REPLACE: that would delete the row, and all that belongs to it.
    run(
      `INSERT INTO incidents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET state = excluded.state, severity = excluded.severity,
         title = excluded.title, subject = excluded.subject, session = excluded.session,
         network = excluded.network, opened_at = excluded.opened_at,
         updated_at = excluded.updated_at, count = excluded.count`,
      valuesOf(incident),
    )
  }

  function merge(from: IncidentSummary, into: string, at: number): void {
    const home = summary(into)
    if (home === undefined) return
    const isWorse = rankOf(from.severity) > rankOf(home.severity)
    save({
      ...home,
      ...(isWorse ? { severity: from.severity, title: from.title } : {}),
      openedAt: Math.min(home.openedAt, from.openedAt),
      count: home.count + from.count,
    })
    run('UPDATE incident_findings SET incident = ? WHERE incident = ?', [into, from.id])
    run('UPDATE OR IGNORE incident_keys SET incident = ? WHERE incident = ?', [into, from.id])
    run('DELETE FROM incident_keys WHERE incident = ?', [from.id])
    save({ ...from, state: 'resolved', count: 0 })
    note(from.id, { state: 'resolved', by: ENGINE, note: `Became part of ${into}`, at })
  }

  function keep([kind, value]: Key, incident: string): void {
    run('INSERT OR IGNORE INTO incident_keys (kind, value, incident) VALUES (?, ?, ?)', [
      kind,
      value,
      incident,
    ])
  }

  /** The id of a finding stays, so that it is known if it comes again. */
  function trim(incident: string): void {
    run(
      `UPDATE incident_findings SET finding = NULL WHERE id IN (
         SELECT id FROM incident_findings WHERE incident = ? AND finding IS NOT NULL
         ORDER BY at DESC, id DESC LIMIT -1 OFFSET ${MOST_FINDINGS})`,
      [incident],
    )
  }

  function note(id: string, { at, by, state, note: text }: Judgement): void {
    run('INSERT INTO incident_changes (incident, at, by, state, note) VALUES (?, ?, ?, ?, ?)', [
      id,
      at,
      by,
      state,
      text,
    ])
    run(
      `DELETE FROM incident_changes WHERE rowid IN (SELECT rowid FROM incident_changes
         WHERE incident = ? ORDER BY rowid DESC LIMIT -1 OFFSET ${MOST_CHANGES})`,
      [id],
    )
  }

  function summary(id: string): IncidentSummary | undefined {
    return all('SELECT * FROM incidents WHERE id = ?', [id]).map(summaryOf)[0]
  }

  function findingsOf(id: string): readonly Finding[] {
    return all(
      `SELECT finding FROM incident_findings WHERE incident = ? AND finding IS NOT NULL
       ORDER BY at, id`,
      [id],
    ).map(findingOf)
  }

  function incidentOf(id: string): Incident {
    const found = summary(id)
    if (found === undefined) throw new Error('A finding has no incident.')
    const { count: _, follows: __, ...facts } = found
    return { ...facts, findings: findingsOf(id) }
  }

  function show(id: string): IncidentDetail | undefined {
    const found = summary(id)
    if (found === undefined) return undefined
    const changes = all('SELECT * FROM incident_changes WHERE incident = ? ORDER BY rowid', [id])
    return { ...found, findings: findingsOf(id), changes: changes.map(changeOf) }
  }

  function judge(id: string, judgement: Judgement): Judged {
    const found = summary(id)
    if (found === undefined) return { ok: false, code: 'unknown' }
    const { state } = judgement
    if (state === 'acknowledged' && !LIVE.includes(found.state)) return { ok: false, code: 'ended' }
    run('UPDATE incidents SET state = ? WHERE id = ?', [state, id])
    note(id, judgement)
    const incident = show(id)
    return incident === undefined ? { ok: false, code: 'unknown' } : { ok: true, incident }
  }

  function list({ state, severity, subject, session, limit, after }: IncidentQuery): IncidentPage {
    const tests: string[] = []
    const values: SqlValue[] = []
    const only = (test: string, ...given: readonly SqlValue[]): void => {
      tests.push(test)
      values.push(...given)
    }
    if (after !== undefined) only('(opened_at, id) < (?, ?)', ...placeOf(after))
    if (state !== undefined) only('state = ?', state)
    if (severity !== undefined) only('severity >= ?', rankOf(severity))
    if (subject !== undefined) only(WITH_KEY, 'subject', subject)
    if (session !== undefined) only(WITH_KEY, 'session', session)
    const where = tests.length === 0 ? '' : `WHERE ${tests.join(' AND ')}`
    const rows = all(`SELECT * FROM incidents ${where} ORDER BY opened_at DESC, id DESC LIMIT ?`, [
      ...values,
      limit + 1,
    ]).map(summaryOf)
    const items = rows.slice(0, limit)
    const last = items.at(-1)
    if (last === undefined || rows.length <= limit) return { items }
    return { items, next: `${last.openedAt}.${last.id}` }
  }

  function prune(before: number): number {
    const old = run(
      `DELETE FROM incidents WHERE id IN (
         SELECT id FROM incidents WHERE updated_at < ?
         ORDER BY updated_at LIMIT ${PRUNED_AT_ONCE})`,
      [before],
    )
    if (old > 0) return old
    return run(
      `DELETE FROM incidents WHERE id IN (
         SELECT id FROM incidents ORDER BY updated_at DESC LIMIT ${PRUNED_AT_ONCE} OFFSET ?)`,
      [most],
    )
  }

  function erase(subject: string): void {
    const rows = all(
      'SELECT id, finding FROM incident_findings WHERE subject = ? AND finding IS NOT NULL',
      [subject],
    )
    for (const row of rows) {
      const finding = JSON.stringify(erased(findingOf(row)))
      run('UPDATE incident_findings SET finding = ? WHERE id = ?', [finding, String(row.id)])
    }
    // One that became part of another has no findings any more.
    const ofSubject = `SELECT incident FROM incident_findings WHERE subject = ?1
      UNION SELECT id FROM incidents WHERE subject = ?1`
    run(`UPDATE incidents SET title = ?2, network = NULL WHERE id IN (${ofSubject})`, [
      subject,
      ERASED,
    ])
    run(`UPDATE incident_changes SET note = NULL WHERE incident IN (${ofSubject})`, [subject])
  }

  return { add, list, show, judge, prune, erase }
}

const WITH_KEY = 'id IN (SELECT incident FROM incident_keys WHERE kind = ? AND value = ?)'

/** The most specific first. */
function keysOf({ session, subject, network, rule, group }: Finding): readonly Key[] {
  const keys: Key[] = []
  if (session !== null) keys.push(['session', session])
  if (subject !== null) keys.push(['subject', subject])
  if (keys.length > 0) return keys
  return [network !== null ? ['network', network] : ['group', JSON.stringify([rule, group])]]
}

function opened(finding: Finding, follows: string | null): IncidentSummary {
  const { severity, title, subject, session, network, at } = finding
  const bytes = createHash('sha256').update(`incident ${finding.id}`).digest()
  return {
    id: bytes.subarray(0, ID_BYTES).toString('base64url'),
    state: 'open',
    ...{ severity, title, subject, session, network },
    ...{ openedAt: at, updatedAt: at, count: 1, follows },
  }
}

function joined(home: IncidentSummary, finding: Finding): IncidentSummary {
  const { severity, title, subject, session, network, at } = finding
  const isWorse = rankOf(severity) > rankOf(home.severity)
  return {
    ...home,
    ...(isWorse ? { severity, title } : {}),
    subject: home.subject ?? subject,
    session: home.session ?? session,
    network: home.network ?? network,
    updatedAt: Math.max(home.updatedAt, at),
    count: home.count + 1,
  }
}

function erased(finding: Finding): Finding {
  const { name, tenant, address, network, ...group } = finding.group
  return { ...finding, title: ERASED, text: ERASED, group, network: null }
}

/** Throws a `RangeError` for what is no cursor. */
function placeOf(after: string): readonly [openedAt: number, id: string] {
  const [, openedAt, id] = /^(\d{1,15})\.([\w-]{1,64})$/.exec(after) ?? []
  if (openedAt === undefined || id === undefined) throw new RangeError('after is no cursor')
  return [Number(openedAt), id]
}
