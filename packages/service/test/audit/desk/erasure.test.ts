import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { AuditDesk, DeskOptions } from '../../../src/audit/desk/desk.ts'
import type { AuditEntry, LoggedLine } from '../../../src/audit/entry.ts'
import { ownJson } from '../../../src/audit/formats/own-json.ts'
import { openVault } from '../../../src/audit/log/personal.ts'
import { readLog } from '../../../src/audit/log/read.ts'
import { verifyAudit } from '../../../src/audit/log/verify.ts'
import { fileOutput } from '../../../src/audit/outputs/file-output.ts'
import type { AuditOutput } from '../../../src/audit/outputs/output.ts'
import { folder } from '../../support.ts'
import { rulesFrom } from '../findings/fields.ts'
import { ADA, EVE, event, host } from '../log/support.ts'
import { sharedPostgres } from '../search/postgres-server.ts'
import { ALERTS, at, desk, keyring, NOWHERE } from './support.ts'

/** A rule as one should not write it: it quotes all that is personal. */
const RULES = rulesFrom({
  name: 'quotes_all',
  title: 'Something of {name}',
  text: '{name} of {tenant} was at {address}, in {network}.',
  match: { type: 'session-established' },
  groupBy: ['subject', 'name', 'address'],
})

const ADA_IS = { subject: 'ada.lovelace@example.org', tenant: 'acme-of-ada' }
const EVE_IS = { subject: 'eve.moneypenny@example.org', tenant: 'acme-of-eve' }

/** What tells of her in whatever file. */
const TELLS = ['ada.lovelace', 'acme-of-ada', '198.51.100.', 'Agent of Ada']

function alertingDesk(directory: string, options: Partial<DeskOptions> = {}): AuditDesk {
  return desk(directory, { rules: RULES, alerts: ALERTS, ...options })
}

function output(path: string, personal: 'full' | 'none'): AuditOutput {
  return fileOutput(
    {
      ...{ name: `to-${path}`, path, maxBytes: 1e6, keep: 1 },
      format: (line: LoggedLine) => ownJson(line, { personal }),
    },
    { now: host.now, random: host.random, onProblem() {} },
  )
}

function happened(sequence: number, subject: string): AuditEntry {
  const who = subject === ADA ? ADA_IS : EVE_IS
  const address = subject === ADA ? `198.51.100.${sequence}` : '203.0.113.7'
  const personal = { ...who, address, userAgent: subject === ADA ? 'Agent of Ada' : 'Other' }
  return { partition: 3, sequence, event: event({ subject, session: `s-${subject}` }), personal }
}

function bytesIn(directory: string): Buffer {
  return Buffer.concat(readdirSync(directory).map((name) => readFileSync(join(directory, name))))
}

/** A log in which a rule has quoted two people: her at three addresses, the other at one. */
async function found(directory: string, options: Partial<DeskOptions> = {}): Promise<AuditDesk> {
  const one = alertingDesk(directory, options)
  one.begin(1, NOWHERE)
  await expect.poll(() => one.state().caughtUp).toBe(true)
  for (let sequence = 1; sequence <= 6; sequence++) {
    one.append([happened(sequence, sequence % 2 === 0 ? EVE : ADA)], at(sequence))
  }
  return one
}

test('a finding is sealed: its line tells what was found, not about whom', async () => {
  const directory = folder()
  await found(directory)

  const lines = [...readLog({ directory })]
  const findings = lines.flatMap(({ line }) => (line.kind === 'finding' ? [line] : []))
  const vault = openVault({
    ...{ path: join(directory, 'vault.sqlite'), keyring, now: host.now, random: host.random },
  })
  onTestFinished(() => vault.close())
  const opened = findings.map(({ finding, personal }) => vault.open(finding, personal ?? ''))

  expect(findings).toHaveLength(4)
  expect(findings[0]?.finding).toEqual({
    ...{ id: expect.any(String), rule: 'quotes_all', severity: 'low', at: host.now() },
    ...{ subject: ADA, session: `s-${ADA}`, count: 1, events: [expect.any(String)] },
  })
  expect(opened[0]).toEqual({
    title: 'Something of ada.lovelace@example.org',
    text: 'ada.lovelace@example.org of acme-of-ada was at 198.51.100.1, in 198.51.100.0/24.',
    group: { subject: ADA, name: 'ada.lovelace@example.org', address: '198.51.100.1' },
    network: '198.51.100.0/24',
  })
  for (const told of TELLS)
    expect(JSON.stringify(lines.map(({ line }) => line))).not.toContain(told)
})

test('of an erased subject no file of the directory tells, and everything goes on', async () => {
  const directory = folder()
  const one = await found(directory)
  writeFileSync(join(directory, 'index.sqlite.damaged-1'), TELLS.join(' '))
  for (const told of TELLS) expect(bytesIn(directory).includes(told), told).toBe(true)

  await one.erase(ADA)
  // What was under way when she was erased.
  one.append([happened(7, ADA)], at(7))
  await one.erase(ADA)

  for (const told of TELLS) expect(bytesIn(directory).includes(told), told).toBe(false)
  for (const told of ['eve.moneypenny', 'acme-of-eve', '203.0.113.7'])
    expect(bytesIn(directory).includes(told), told).toBe(true)
  expect(verifyAudit([directory])).toMatchObject({ ok: true, faults: [] })
  const incidents = (await one.incidents.list({ limit: 10 })).items
  expect(incidents.map(({ title }) => title).sort()).toEqual([
    'About a subject that was erased',
    'Something of eve.moneypenny@example.org',
  ])
})

test('an index that went to PostgreSQL leaves no file in which nobody is forgotten', async () => {
  const directory = folder()
  for (const name of ['index.sqlite', 'index.sqlite-wal', 'index.sqlite.damaged-1'])
    writeFileSync(join(directory, name), TELLS.join(' '))

  const one = await found(directory, { index: await (await sharedPostgres()).database() })
  await one.erase(ADA)

  for (const told of TELLS) expect(bytesIn(directory).includes(told), told).toBe(false)
  expect(readdirSync(directory).filter((name) => name.startsWith('index'))).toEqual([])
})

test('an index that another process still has open is left to it, and told of', async () => {
  const directory = folder()
  await found(directory)
  const said: string[] = []
  const tell = (_: object, text: string): void => void said.push(text)

  const moved = alertingDesk(directory, {
    index: await (await sharedPostgres()).database(),
    log: { warn: tell, error: tell },
  })
  moved.begin(2, at(6))

  expect(said).toEqual([expect.stringContaining('set the same in all that share the directory')])
  expect(existsSync(join(directory, 'index.sqlite'))).toBe(true)
})

test('what reads the log again after an erasure has the public part of its findings', async () => {
  const directory = folder()
  const one = await found(directory)
  await one.erase(ADA)
  await one.end()
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(directory, `index.sqlite${suffix}`))
  const paths = { full: join(folder(), 'full'), none: join(folder(), 'none') }

  const again = alertingDesk(directory, {
    outputs: [output(paths.full, 'full'), output(paths.none, 'none')],
  })
  again.begin(2, at(6))
  await expect.poll(() => again.state().caughtUp).toBe(true)

  const sent = (path: string) =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ type }) => type === 'finding')
  const hers = sent(paths.full).filter(({ subject }) => subject === ADA)
  expect(hers).toHaveLength(3)
  expect(hers[0]).toMatchObject({
    finding: { rule: 'quotes_all', severity: 'low', title: null, text: null, count: 1 },
    personal: { prefix: null },
  })
  expect(sent(paths.full).map(({ finding }) => finding.title)).toContain(
    'Something of eve.moneypenny@example.org',
  )
  expect(sent(paths.none).map(({ finding }) => finding.title)).toEqual([null, null, null, null])
  expect((await again.searches.events({ subjectKey: ADA })).items).toHaveLength(3)
  for (const told of TELLS) {
    expect(bytesIn(directory).includes(told), told).toBe(false)
    expect(readFileSync(paths.full, 'utf8')).not.toContain(told)
  }
})
