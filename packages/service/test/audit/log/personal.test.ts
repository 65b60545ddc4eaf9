import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { newKeyring } from 'holdfast'
import {
  addKey,
  type Keyring,
  type PersonalFacts,
  rotateKeyring,
  type SessionEvent,
} from 'holdfast/maintenance'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../../src/audit/database.ts'
import { openVault, type Vault } from '../../../src/audit/log/personal.ts'
import { readLog } from '../../../src/audit/log/read.ts'
import { verifyAudit } from '../../../src/audit/log/verify.ts'
import { folder } from '../../support.ts'
import { ADA, EVE, event, host, PERSONAL, place, VERIFIER_KEYS } from './support.ts'

/** Events and their personal parts, as a holder of the vault reads them. */
function readIn({ directory, vault }: ReturnType<typeof place>) {
  return [...readLog({ directory })].flatMap(({ line }) =>
    line.kind === 'event'
      ? [line.personal === undefined ? undefined : vault.open(line.event, line.personal)]
      : [],
  )
}

function entry(sequence: number, facts: Partial<SessionEvent>, personal: PersonalFacts | null) {
  return { partition: 0, sequence, event: event(facts), personal }
}

/** As the vault takes it. */
function part({ event: of, personal }: ReturnType<typeof entry>) {
  return { of, personal }
}

test('the personal part is in no file in clear, and its holder of the ring reads it', () => {
  const here = place()
  const log = here.open()

  log.append([
    entry(1, { subject: ADA }, PERSONAL),
    entry(2, { subject: null }, { ...PERSONAL, subject: null }),
    entry(3, { subject: ADA }, null),
  ])

  expect(readIn(here)).toEqual([PERSONAL, { ...PERSONAL, subject: null }, undefined])
  for (const name of readdirSync(here.directory)) {
    const bytes = readFileSync(join(here.directory, name))
    for (const word of ['203.0.113.7', 'Mozilla']) expect(bytes.includes(word)).toBe(false)
  }
})

test('an erased subject is unreadable, others are not, and everything verifies', () => {
  const here = place()
  const log = here.open()
  log.append([entry(1, { subject: ADA }, PERSONAL), entry(2, { subject: EVE }, PERSONAL)])
  const before = log.checkpoint()

  log.erase(ADA)
  log.checkpoint()

  expect(readIn(here)).toEqual([null, PERSONAL])
  const lines = [...readLog({ directory: here.directory })]
  expect(lines.at(-1)?.line).toMatchObject({ kind: 'erased', subject: ADA })
  const options = { verifierKeys: VERIFIER_KEYS, against: before }
  expect(verifyAudit([here.directory], options)).toMatchObject({ ok: true, notes: [] })
})

test('the wrapped key of an erased subject is in no file of the vault any longer', () => {
  const here = place()
  here.open().append([entry(1, { subject: ADA }, PERSONAL)])
  const path = join(here.directory, 'vault.sqlite')
  const database = openDatabase(path)
  onTestFinished(() => database.close())
  const [row] = database.all('SELECT wrapped FROM vault_keys WHERE wrapped IS NOT NULL')
  const wrapped = Buffer.from(row?.wrapped as Uint8Array)
  const holds = (): boolean =>
    [path, `${path}-wal`].some((file) => readFileSync(file).includes(wrapped))
  expect(holds()).toBe(true)

  here.vault.erase(ADA)

  expect(holds()).toBe(false)
})

test('what was before an erasure and comes later is not kept, what happens after it is', () => {
  const here = place()
  const log = here.open()
  const late = entry(1, { subject: ADA }, PERSONAL)
  log.erase(ADA)
  host.advance(1_000)

  log.append([late, entry(2, { subject: ADA }, PERSONAL)])

  expect(readIn(here)).toEqual([undefined, PERSONAL])
})

test('a subject who comes back after an erasure is read, and what was before is not', () => {
  const here = place()
  const log = here.open()
  log.append([entry(1, { subject: ADA }, PERSONAL)])
  log.erase(ADA)
  host.advance(1_000)

  log.append([entry(2, { subject: ADA }, PERSONAL)])

  expect(readIn(here)).toEqual([null, PERSONAL])
})

test('keys of days that are over can be destroyed', () => {
  const here = place()
  const log = here.open()
  const day = 86_400_000
  log.append([
    entry(1, { subject: null, at: 10 * day }, PERSONAL),
    entry(2, { subject: null, at: 11 * day }, PERSONAL),
    entry(3, { subject: ADA, at: 9 * day }, PERSONAL),
  ])

  expect(here.vault.eraseDays(11 * day)).toBe(1)

  expect(readIn(here)).toEqual([null, PERSONAL, PERSONAL])
  expect(here.vault.eraseDays(11 * day)).toBe(0)
})

test('a personal part opens for its own event and subject alone', () => {
  const here = place()
  const first = entry(1, { subject: ADA }, PERSONAL)
  const [sealed = ''] = here.vault.seal([part(first)])
  here.vault.seal([part(entry(2, { subject: EVE }, PERSONAL))])

  expect(here.vault.open(first.event, sealed)).toEqual(PERSONAL)
  for (const other of [event({ subject: ADA }), { ...first.event, subject: EVE }]) {
    expect(() => here.vault.open(other, sealed)).toThrow(
      expect.objectContaining({ code: 'record_invalid' }),
    )
  }
  for (const changed of ['', 'AAAA', `${sealed.slice(0, -8)}AAAAAAAA`]) {
    expect(() => here.vault.open(first.event, changed)).toThrow(
      expect.objectContaining({ code: 'record_invalid' }),
    )
  }
})

/** One vault, opened with one ring and another. */
function opener(path = join(folder(), 'vault.sqlite')): (keyring: Keyring) => Vault {
  return (keyring) => {
    const vault = openVault({ path, keyring, now: host.now, random: host.random })
    onTestFinished(() => vault.close())
    return vault
  }
}

test('keys move to another key of the ring, and a ring without their key is told so', async () => {
  const before = newKeyring(host)
  const after = rotateKeyring(before, host)
  const alone = { ...after, keys: after.keys.slice(-1) }
  const one = entry(1, { subject: ADA }, PERSONAL)
  const open = opener()
  const [sealed = ''] = open(before).seal([part(one)])
  expect(() => open(alone).open(one.event, sealed)).toThrow(
    expect.objectContaining({ code: 'key_unknown' }),
  )

  expect(await open(alone).rewrap()).toEqual({ moved: 0, missing: [before.current], damaged: 0 })
  expect(await open(after).rewrap()).toEqual({ moved: 1, missing: [], damaged: 0 })

  expect(await open(after).rewrap()).toEqual({ moved: 0, missing: [], damaged: 0 })
  expect(open(alone).open(one.event, sealed)).toEqual(PERSONAL)
})

test('who has the ring of before moves nothing back', async () => {
  const before = newKeyring(host)
  const added = addKey(before, host)
  const after = rotateKeyring(added, host)
  const open = opener()
  const one = entry(1, { subject: ADA }, PERSONAL)
  const [sealed = ''] = open(after).seal([part(one)])

  expect(await open(added).rewrap()).toEqual({ moved: 0, missing: [], damaged: 0 })

  const alone = { ...after, keys: after.keys.slice(-1) }
  expect(open(alone).open(one.event, sealed)).toEqual(PERSONAL)
})

test('keys of many subjects are moved, and a damaged one keeps no other where it is', async () => {
  const path = join(folder(), 'vault.sqlite')
  const before = newKeyring(host)
  const open = opener(path)
  const many = Array.from({ length: 1_201 }, (_, at) =>
    part(entry(at, { subject: `subject-${at}` }, PERSONAL)),
  )
  open(before).seal(many)
  const database = openDatabase(path)
  onTestFinished(() => database.close())
  const [row] = database.all("SELECT wrapped FROM vault_keys WHERE owner = 'subject:subject-600'")
  const damaged = Uint8Array.from(row?.wrapped as Uint8Array, (byte, at) => (at > 40 ? 0 : byte))
  database.run("UPDATE vault_keys SET wrapped = ? WHERE owner = 'subject:subject-600'", [damaged])

  expect(await open(rotateKeyring(before, host)).rewrap()).toEqual({
    moved: 1_200,
    missing: [],
    damaged: 1,
  })
})
