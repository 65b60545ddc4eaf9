import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { newKeyring } from 'holdfast'
import { rotateKeyring } from 'holdfast/maintenance'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../../../holdfast/test/support/until.ts'
import type { AuditEntry } from '../../../src/audit/entry.ts'
import type { PublicFinding } from '../../../src/audit/finding.ts'
import { ownJson } from '../../../src/audit/formats/own-json.ts'
import { openAuditLog } from '../../../src/audit/log/audit-log.ts'
import { openVault, VAULT, type Vault } from '../../../src/audit/log/personal.ts'
import { readLog } from '../../../src/audit/log/read.ts'
import { verifyAudit } from '../../../src/audit/log/verify.ts'
import { fileOutput } from '../../../src/audit/outputs/file-output.ts'
import type { AuditOutput } from '../../../src/audit/outputs/output.ts'
import { ringInPlace } from '../../../src/main/ring-in-place.ts'
import { folder } from '../../support.ts'
import { entries, event, host, PERSONAL, SIGNER } from '../log/support.ts'
import { grow, W1, witness } from '../witness/support.ts'
import { at, desk, keyring, NOWHERE } from './support.ts'

function vaultOf(directory: string): Vault {
  const path = join(directory, VAULT)
  const vault = openVault({ path, keyring, now: host.now, random: host.random })
  onTestFinished(() => vault.close())
  return vault
}

function findingsIn(directory: string): readonly PublicFinding[] {
  return [...readLog({ directory })].flatMap(({ line }) =>
    line.kind === 'finding' ? [line.finding] : [],
  )
}

test('what is wrong with the service is one finding, however often it is told', async () => {
  const directory = folder()
  for (let life = 1; life <= 3; life++) {
    const one = desk(directory)
    one.begin(life, NOWHERE)
    one.tell('key_overdue')
    one.tell('key_overdue')
  }

  const last = desk(directory)
  const { items } = await last.incidents.list({ limit: 10 })

  expect(findingsIn(directory)).toMatchObject([{ rule: 'key_overdue', events: [] }])
  expect(items).toHaveLength(1)
  expect(verifyAudit([directory])).toMatchObject({ ok: true, faults: [] })
})

test('a key that was rotated out of the ring is needed by nothing of the log', async () => {
  const directory = folder()
  const before = newKeyring(host)
  const after = rotateKeyring(before, host)
  const alone = { ...after, keys: after.keys.slice(-1) }
  let ring = before
  const changing = ringInPlace(() => ring)
  const problems: string[] = []
  const log = { warn() {}, error: (_: object, message: string) => void problems.push(message) }
  const first = desk(directory, { keyring: changing })
  first.begin(1, NOWHERE)
  first.append(entries(3, [1, 2, 3], PERSONAL), at(3))

  ring = after
  await first.ringChanged()
  const last = desk(directory, { keyring: alone, log })
  last.begin(2, NOWHERE)
  last.append(entries(3, [4, 5, 6], PERSONAL), at(6))
  await last.ringChanged()

  expect(problems).toEqual([])
  expect(verifyAudit([directory])).toMatchObject({ ok: true, faults: [] })
})

test('a key of the ring that the log needs and that is gone is named', async () => {
  const directory = folder()
  const before = newKeyring(host)
  const after = rotateKeyring(before, host)
  const first = desk(directory, { keyring: before })
  first.begin(1, NOWHERE)
  first.append(entries(3, [1, 2, 3], PERSONAL), at(3))
  const missing: object[] = []
  const log = {
    warn() {},
    error: (fields: object) => void ('missing' in fields && missing.push(fields)),
  }

  desk(directory, { keyring: { ...after, keys: after.keys.slice(-1) }, log }).begin(2, NOWHERE)
  await until('it is told', () => missing.length > 0)

  expect(missing).toEqual([{ missing: [before.current], directory }])
})

test('who does not write the log tells it nevertheless', async () => {
  const one = desk(folder())

  one.tell('store_unreachable')

  const { items } = await one.incidents.list({ limit: 10 })
  expect(items).toMatchObject([{ severity: 'critical', state: 'open' }])
})

test('a witness that refuses the checkpoint of another history is a finding', async () => {
  const directory = folder()
  const one = await witness(W1)
  const first = desk(directory, { witnesses: [one], quorum: 1 })
  first.begin(1, NOWHERE)

  const note = await first.cosign()
  await first.end()
  // Another history under the same name and key, which is longer.
  for (const name of readdirSync(directory)) {
    if (/segment|checkpoint/.test(name)) rmSync(join(directory, name))
  }
  const forged = openAuditLog({
    ...{ directory, signer: SIGNER, now: host.now, epoch: 2 },
    ...{ origin: note?.split('\n')[0] ?? '', vault: vaultOf(directory) },
  })
  grow(forged, 9)
  forged.close()
  const second = desk(directory, { witnesses: [one], quorum: 1 })
  second.begin(3, NOWHERE)

  expect(note).toContain(W1.name)
  expect(await second.cosign()).toBeUndefined()
  expect(second.state().witnesses).toEqual({ [W1.name]: { is: 'refusing', lines: null } })
  expect(findingsIn(directory)).toMatchObject([{ rule: 'witness_refuses' }])
  const { items } = await second.incidents.list({ limit: 10 })
  expect(items).toMatchObject([{ severity: 'critical', state: 'open' }])
})

test('events that the store dropped before they were written are a finding', () => {
  const directory = folder()
  const one = desk(directory)
  one.begin(1, NOWHERE)
  one.restart(at(4), at(6))
  one.append(entries(3, [5, 6]), at(6))
  expect(findingsIn(directory)).toEqual([])

  one.restart(at(9), at(9))

  expect(findingsIn(directory)).toMatchObject([{ rule: 'audit_gap' }])
})

test('an event that does not open is a finding, and no rollback when it is read again', () => {
  const directory = folder()
  const read = [
    ...entries(3, [1]),
    { partition: 3, sequence: 2, unreadable: 'lost' },
    ...entries(3, [3]),
  ]
  const one = desk(directory)
  one.begin(1, NOWHERE)
  one.append(read, at(3))
  const next = desk(directory)
  next.begin(2, at(3))

  next.append(read, at(3))

  expect(findingsIn(directory)).toMatchObject([{ rule: 'audit_gap' }])
  expect(verifyAudit([directory])).toMatchObject({ ok: true, faults: [] })
})

test('a store that came back with less is a finding', () => {
  const directory = folder()
  const one = desk(directory)
  one.begin(1, NOWHERE)
  one.append(entries(3, [1, 2, 3]), at(3))

  one.append(entries(3, [3, 4]), at(4))

  expect(findingsIn(directory)).toMatchObject([{ rule: 'store_rolled_back' }])
  expect(verifyAudit([directory])).toMatchObject({ ok: true })
})

function disowned(sequence: number, session: string): AuditEntry {
  const facts = { type: 'session-revoked', reason: 'not_me', session } as const
  return { partition: 3, sequence, event: event(facts), personal: null }
}

test('outputs get events and findings in order, and a restart loses none', async () => {
  const directory = folder()
  const path = join(folder(), 'out.jsonl')
  const lines = (): readonly { readonly index: number; readonly type: string }[] =>
    existsSync(path)
      ? readFileSync(path, 'utf8')
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line))
      : []
  const output = (): AuditOutput =>
    fileOutput(
      {
        ...{ name: 'siem', path, maxBytes: 1e6, keep: 1 },
        format: (line) => ownJson(line, { personal: 'none' }),
      },
      { now: host.now, random: host.random, onProblem() {} },
    )
  const first = desk(directory, { outputs: [output()] })
  first.begin(1, NOWHERE)
  await expect.poll(() => first.state().caughtUp).toBe(true)

  first.append([disowned(1, 's1'), disowned(2, 's2')], at(2))
  first.append(entries(3, [3]), at(3))
  first.tell('key_overdue')

  const types = ['session-revoked', 'session-revoked', 'finding', 'finding']
  expect(lines().map(({ type }) => type)).toEqual([...types, 'session-established', 'finding'])
  const written = lines().map(({ index }) => index)
  expect(written).toEqual([...written].sort((a, b) => a - b))

  // How far an output has come is noted only now and then: what comes again has the same index.
  const second = desk(directory, { outputs: [output()] })
  second.begin(2, at(3))
  second.append([disowned(4, 's4')], at(4))
  await expect.poll(() => lines().at(-1)).toMatchObject({ type: 'finding' })
  await expect.poll(() => second.state().caughtUp).toBe(true)

  const found = findingsIn(directory).map(({ id }) => id)
  const sent = lines().filter(({ type }) => type === 'finding')
  expect(found).toHaveLength(4)
  expect(new Set(sent.map(({ index }) => index)).size).toBe(4)
})
