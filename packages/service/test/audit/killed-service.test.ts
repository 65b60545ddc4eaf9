import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newKeyring } from 'holdfast'
import { lmdbStore } from 'holdfast/lmdb'
import { formatKeyring } from 'holdfast/maintenance'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../../holdfast/test/support/until.ts'
import { openedEntry, openVault, VAULT } from '../../src/audit/log/personal.ts'
import { readLog } from '../../src/audit/log/read.ts'
import { verifyAudit } from '../../src/audit/log/verify.ts'
import type { EventIndex } from '../../src/audit/search/event-index.ts'
import { INDEX_FILE, indexedTo, openIndexFile } from '../../src/audit/search/index-file.ts'
import { folder } from '../support.ts'
import { endLease, type Killable, killable, load } from './killed.ts'
import { allPages } from './search/support.ts'

/** Kills of a service. Set it to try harder than the suite does. */
const KILLS = Number(process.env.HOLDFAST_TEST_KILLS ?? 8)
const AT_ONCE = 4
const PATIENCE_MS = 60_000 + KILLS * 30_000

function estate() {
  const files = folder()
  const keyring = newKeyring()
  const ring = join(files, 'ring.json')
  writeFileSync(ring, formatKeyring(keyring), { mode: 0o600 })
  const path = join(files, 'store')
  return {
    keyring,
    directory: (name: string) => join(files, name),
    start: (name: string): Promise<Killable> =>
      killable({
        HOLDFAST_STORE: `lmdb:${path}`,
        HOLDFAST_KEYRING: ring,
        HOLDFAST_AUDIT_DIRECTORY: join(files, name),
        HOLDFAST_AUDIT_MACHINE: name,
      }),
    async endLease() {
      const store = lmdbStore({ path })
      await endLease(store, keyring)
      await store.close()
    },
  }
}

interface Found {
  readonly id: string
  readonly type: string
  readonly correlation: string | null
}

function eventsIn(directory: string): readonly Found[] {
  return [...readLog({ directory })].flatMap(({ line }) =>
    line.kind === 'event' ? [line.event] : [],
  )
}

/** Requests that were answered and are not in the log with their event. */
function missing(caused: Readonly<Record<string, string>>, events: readonly Found[]): string[] {
  const known = new Set(events.map(({ correlation, type }) => `${correlation} ${type}`))
  return Object.entries(caused)
    .map(([id, type]) => `${id} ${type}`)
    .filter((one) => !known.has(one))
}

const twice = (ids: readonly string[]): readonly string[] =>
  ids.filter((id, at) => ids.indexOf(id) !== at)

/** Lets people work, and calls `act` in the middle of it. */
async function meanwhile(
  { caused, go }: ReturnType<typeof load>,
  act: () => Promise<void>,
): Promise<void> {
  const over = new AbortController()
  const before = Object.keys(caused).length
  const work = Array.from({ length: AT_ONCE }, () => go(over.signal))
  const some = randomInt(20, 60)
  await until('people work', () => Object.keys(caused).length >= before + some)
  await act()
  over.abort()
  await Promise.all(work)
}

/** The line of the last event. */
function lastEventIn(directory: string): number {
  const lines = [...readLog({ directory })]
  return lines.findLast(({ line }) => line.kind === 'event')?.index ?? -1
}

async function everything(index: EventIndex): Promise<unknown> {
  const limit = 1_000
  return {
    events: await allPages(index.events, { limit }),
    sessions: await allPages(index.sessions, { limit }),
    subjects: await allPages(index.subjects, { limit }),
  }
}

test(`a service that is killed ${KILLS} times has logged everything that it has answered, once`, {
  timeout: PATIENCE_MS,
}, async () => {
  const world = estate()
  const directory = world.directory('audit')
  const indexPath = join(directory, INDEX_FILE)
  let url = ''
  const work = load(() => url)
  for (let kill = 0; kill < KILLS; kill++) {
    const service = await world.start('audit')
    url = service.url
    await service.logs('this process writes')
    await meanwhile(work, service.kill)
    await world.endLease()
  }
  const last = await world.start('audit')
  await until('everything is logged', () => missing(work.caused, eventsIn(directory)).length === 0)
  await until('everything is indexed', () => indexedTo(indexPath) > lastEventIn(directory))
  await last.stop()

  const events = eventsIn(directory)
  expect(Object.keys(work.caused).length).toBeGreaterThan(KILLS * 20)
  expect(twice(events.map(({ id }) => id))).toEqual([])
  expect(twice(events.map(({ correlation, type }) => `${correlation} ${type}`))).toEqual([])
  expect(verifyAudit([directory])).toMatchObject({ ok: true, faults: [] })

  const now = Date.now()
  const kept = openIndexFile(indexPath, { now: () => now })
  const fresh = openIndexFile(join(folder(), INDEX_FILE), { now: () => now })
  const vault = openVault({
    ...{ path: join(directory, VAULT), keyring: world.keyring },
    ...{ now: () => now, random: (size) => new Uint8Array(size) },
  })
  onTestFinished(() => {
    for (const one of [kept.database, fresh.database, vault]) one.close()
  })
  for (const { index, line } of readLog({ directory })) {
    if (line.kind !== 'event') continue
    fresh.index.ingest([openedEntry(index, line, vault)])
  }
  expect(kept.putAside).toBeNull()
  expect(await everything(kept.index)).toEqual(await everything(fresh.index))
})

test('two machines that take over from each other as they are killed leave one log in two parts', {
  timeout: PATIENCE_MS,
}, async () => {
  const world = estate()
  const names = ['north', 'south']
  let writer = await world.start('north')
  await writer.logs('this process writes')
  let url = writer.url
  const work = load(() => url)
  for (let kill = 0; kill < Math.ceil(KILLS / 2); kill++) {
    const other = await world.start(names[(kill + 1) % 2] ?? '')
    await other.logs('another process writes')
    await meanwhile(work, async () => {
      await writer.kill()
      url = other.url
      await world.endLease()
      await other.logs('this process writes')
    })
    writer = other
  }
  const both = names.map(world.directory)
  const inAll = (): readonly Found[] => both.flatMap(eventsIn)
  await until('everything is logged', () => missing(work.caused, inAll()).length === 0)
  await writer.stop()

  for (const directory of both) {
    expect(eventsIn(directory).length).toBeGreaterThan(0)
    expect(twice(eventsIn(directory).map(({ id }) => id))).toEqual([])
  }
  expect(verifyAudit(both)).toMatchObject({ ok: true, faults: [] })
})
