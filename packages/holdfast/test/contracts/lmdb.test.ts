import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import {
  allIds,
  nextOf,
  plain,
  SAMPLE_LIFE_MS,
  samples,
} from '../../src/contracts/stores/sample-entry.ts'
import { storeContract } from '../../src/contracts/stores/store-contract.ts'
import { subjectOf } from '../../src/core/ids.ts'
import { EXPIRED_READABLE_MS } from '../../src/core/store.ts'
import { type LmdbStore, lmdbStore } from '../../src/stores/lmdb.ts'
import { type Compiled, compiled } from '../support/compiled.ts'
import { FEW_BYTES, keptOfTooMuch, SHARE } from '../support/full-feed.ts'

const directory = mkdtempSync(join(tmpdir(), 'holdfast-lmdb-'))
let made = 0

function freshPath(): string {
  return join(directory, String(made++))
}

afterAll(() => rmSync(directory, { recursive: true, force: true }))

storeContract('LMDB', (bounds) => lmdbStore({ path: freshPath(), ...bounds }))

describe('LMDB', () => {
  test('what was written is there after closing and opening again', async () => {
    const path = freshPath()
    const host = fakeHost()
    const make = samples(host)
    const [live, ended] = [make.entry(), make.entry()]
    const before = lmdbStore({ path, now: host.now })
    await before.entries.write(live, { events: [make.event()] })
    await before.entries.revoke(ended.id, { reason: 'test', at: host.now() })
    const cursor = await before.feed.head()
    await before.close()

    const after = lmdbStore({ path, now: host.now })

    expect(await after.entries.read(live.id)).toMatchObject({ id: live.id })
    expect(await after.entries.write(ended)).toBe('gone')
    expect(await after.feed.head()).toBe(cursor)
    await after.close()
  })

  test('activity that is frequent is written together, and none is lost by closing', async () => {
    const path = freshPath()
    const host = fakeHost()
    const make = samples(host)
    const entries = Array.from({ length: 20 }, () => make.entry())
    const store = lmdbStore({ path, now: host.now })
    for (const entry of entries) await store.entries.write(entry)
    host.advance(1_000)

    const touched = entries.map(({ id }) => store.entries.touch([{ id, at: host.now() }]))
    const refused = store.entries.touch([{ id: entries[0]?.id ?? '', at: -1 }])
    await expect(refused).rejects.toMatchObject({ code: 'invalid_input' })
    await store.close()
    await Promise.all(touched)

    const after = lmdbStore({ path, now: host.now })
    for (const { id } of entries) {
      expect(await after.entries.read(id)).toMatchObject({ lastActivity: host.now() })
    }
    await after.close()
  })

  test('an update brings back to the lists what a clock that was ahead took out', async () => {
    const host = fakeHost()
    const make = samples(host)
    let aheadMs = 0
    const store = lmdbStore({ path: freshPath(), now: () => host.now() + aheadMs })
    const silent = make.entry({ idleMs: 10 * 60_000 })
    const of = { subject: subjectOf(silent.id), limit: 10 }
    await store.entries.write(silent)
    host.advance(6 * 60_000)
    aheadMs = 5 * 60_000
    const other = make.entry({ subject: of.subject })
    await store.entries.write(other, { limit: 1 })
    aheadMs = 0
    expect((await store.entries.list(of)).items).toMatchObject([{ id: other.id }])

    expect(await store.entries.write(nextOf(silent, make.bytes()))).toBe('written')

    const listed = (await store.entries.list(of)).items
    expect(listed.map(({ id }) => id)).toEqual([silent.id, other.id])
    await store.close()
  })

  test('the feed keeps no more bytes than it may', async () => {
    const host = fakeHost()
    const store = lmdbStore({ path: freshPath(), now: host.now, feedBytes: FEW_BYTES })

    const kept = await keptOfTooMuch(store, samples(host))

    // with the bytes of its own place an entry takes 600
    expect(kept).toBeGreaterThan(SHARE / 700)
    expect(kept).toBeLessThan(SHARE / 600 + 65)
    await store.close()
  })

  test('a sweep removes what is past its time, however much, and nothing else', async () => {
    const host = fakeHost()
    const make = samples(host)
    const store = lmdbStore({ path: freshPath(), now: host.now })
    const short = Array.from({ length: 1_200 }, () =>
      make.entry({ subject: make.subject(4), deadline: host.now() + 1_000 }),
    )
    const long = make.entry({ subject: make.subject(4), idleMs: SAMPLE_LIFE_MS })
    const answers = Array.from({ length: 50 }, (_, i) =>
      store.replays.once(`${i}`, host.now() + 1_000),
    )
    const attributes = { version: 1, sealed: make.bytes() }
    await Promise.all(short.map((entry) => store.entries.write(entry)))
    await store.entries.write(long, { attributes })
    await Promise.all(answers)

    expect(await store.sweep()).toBe(0)
    host.advance(1_001)

    expect(await store.sweep()).toBe(1_250)
    expect(await store.sweep()).toBe(0)
    expect(await allIds(store, { partition: 4 })).toEqual([long.id])
    expect(await store.entries.read(short[0]?.id ?? '')).toBeDefined()
    host.advance(EXPIRED_READABLE_MS - 2)
    expect(await store.sweep()).toBe(1)
    host.advance(1)
    expect(await store.sweep()).toBe(1_200)
    expect(await store.sweep()).toBe(0)
    host.advance(EXPIRED_READABLE_MS)
    expect(await store.sweep()).toBe(1)
    expect(await store.sweep()).toBe(0)
    await store.close()
  })

  test('a sweep takes the attributes of what has expired, and leaves the record', async () => {
    const host = fakeHost()
    const make = samples(host)
    const store = lmdbStore({ path: freshPath(), now: host.now })
    const entry = make.entry({ deadline: host.now() + 1_000 })
    await store.entries.write(entry, { attributes: { version: 1, sealed: make.bytes() } })
    host.advance(1_000)
    expect(await store.entries.read(entry.id)).toMatchObject({ attributes: { version: 1 } })

    await store.sweep()

    const found = await store.entries.read(entry.id)
    expect(plain(found)).toMatchObject({ version: 1, sealed: [...entry.sealed] })
    expect(found?.attributes).toBeUndefined()
    await store.close()
  })

  test('a sweep spares a session whose deadline has moved', async () => {
    const host = fakeHost()
    const make = samples(host)
    const store = lmdbStore({ path: freshPath(), now: host.now })
    const entry = make.entry({ deadline: host.now() + 1_000, idleMs: SAMPLE_LIFE_MS })
    await store.entries.write(entry)
    await store.entries.write({ ...entry, version: 2, deadline: host.now() + SAMPLE_LIFE_MS })
    host.advance(2_000)

    await store.sweep()

    expect(await store.entries.read(entry.id)).toMatchObject({ version: 2 })
    await store.close()
  })

  test('a closed store is unavailable', async () => {
    const store = lmdbStore({ path: freshPath() })
    const entry = samples(fakeHost()).entry()
    await store.close()
    await store.close()

    await expect(store.entries.read(entry.id)).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(store.entries.write(entry)).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  test('a path that is no directory is refused at once', () => {
    const path = join(directory, 'a-file')
    writeFileSync(path, 'not a directory')

    expect(() => lmdbStore({ path })).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })
})

describe('LMDB among processes', () => {
  let code: Compiled
  const children: ChildProcess[] = []

  beforeAll(() => {
    code = compiled('stores/lmdb.ts', 'contracts/stores/sample-entry.ts', 'contracts/fake-host.ts')
    code.script('prelude.js', PRELUDE)
  })

  afterAll(() => {
    for (const child of children) child.kill('SIGKILL')
    code?.remove()
  })

  function start(name: string, source: string, args: readonly string[]): ChildProcess {
    const script = code.script(`${name}.js`, `import * as lib from './prelude.js'\n${source}`)
    const child = spawn(process.execPath, [script, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    children.push(child)
    return child
  }

  test('three processes that write one entry lose no update and exceed no limit', async () => {
    const path = freshPath()
    const host = fakeHost()
    const make = samples(host)
    const store = lmdbStore({ path })
    const entry = make.entry()
    const subject = make.subject()
    await store.entries.write(entry)

    const ended = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        exit(start(`writer-${name}`, WRITER, [path, entry.id, subject, name])),
      ),
    )

    expect(ended).toEqual([0, 0, 0])
    expect(await store.entries.read(entry.id)).toMatchObject({ version: 91 })
    expect(await allIds(store, { subject })).toHaveLength(3)
    await store.close()
  })

  test('what another process revokes is gone here at once, and followers hear of it', async () => {
    const path = freshPath()
    const make = samples(fakeHost())
    const store = lmdbStore({ path })
    const entry = make.entry()
    await store.entries.write(entry)
    const stop = new AbortController()
    const heard = first(store, await store.feed.head(), stop)

    expect(await exit(start('revoker', REVOKER, [path, entry.id]))).toBe(0)

    expect(await store.entries.read(entry.id)).toBeUndefined()
    expect(await heard).toMatchObject({ kind: 'revoked', session: entry.id, reason: 'elsewhere' })
    await store.close()
  })

  test('what another process has confirmed is what all processes hold the feed from', async () => {
    const path = freshPath()
    const make = samples(fakeHost())
    const store = lmdbStore({ path, feedLimit: 50, auditBacklogBytes: 1_000_000 })
    const subject = make.subject(5)
    const all = Array.from({ length: 200 }, make.event)
    await store.feed.append(subject, all.slice(0, 20))

    expect(await exit(start('confirmer-once', CONFIRMER, [path]))).toBe(0)
    const confirmed = await store.feed.hold?.confirmed()
    await store.feed.append(subject, all.slice(20))
    const refused = store.feed.append(subject, [make.event()])
    await expect(refused).rejects.toMatchObject({ code: 'store_unavailable' })
    const { items } = await store.feed.read(confirmed, 1_000)
    expect(await exit(start('confirmer-again', CONFIRMER, [path]))).toBe(0)
    await store.feed.append(subject, [make.event()])

    expect(items.map((entry) => entry.kind === 'event' && entry.id)).toEqual(
      all.slice(20).map(({ id }) => id),
    )
    await store.close()
  })

  test('a revocation that another process was told of is seen by the very next read', async () => {
    const path = freshPath()
    const make = samples(fakeHost())
    const store = lmdbStore({ path })
    const [entry, other] = [make.entry(), make.entry()]
    await store.entries.write(entry)
    await store.entries.write(other)
    const child = start('blocked-reader', BLOCKED_READER, [path, entry.id, other.id])
    const said: string[] = []

    for await (const line of createInterface({ input: child.stdout ?? process.stdin })) {
      said.push(line)
      if (line !== 'looked') continue
      await store.entries.revoke(entry.id, {
        reason: 'test',
        at: Date.now(),
      })
      child.stdin?.end('revoked')
    }

    expect(said).toEqual(['looked', 'gone'])
    await store.close()
  })

  test('on a full disk nothing is acknowledged that is not kept, and nothing is lost', async () => {
    const path = freshPath()
    const script = code.script('filler.js', `import * as lib from './prelude.js'\n${FILLER}`)
    // The limit of the size of a file stands for the end of a disk: a write fails.
    const limited = 'trap "" XFSZ; ulimit -f 2000; exec "$@"'
    const child = spawn('sh', ['-c', limited, 'sh', process.execPath, script, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    const said: string[] = []
    for await (const line of createInterface({ input: child.stdout })) said.push(line)
    const [failure, ...kept] = said.toReversed()

    expect(failure).toBe('store_unavailable')
    expect(kept.length).toBeGreaterThan(5)
    const store = lmdbStore({ path })
    for (const id of kept) expect(await store.entries.read(id)).toMatchObject({ id })
    await store.proveWritable?.()
    await store.close()
  })

  test('what was acknowledged survives the death of the process that wrote it', async () => {
    const path = freshPath()
    const child = start('logger-in', LOGGER_IN, [path])
    const acknowledged: string[] = []
    for await (const line of createInterface({ input: child.stdout ?? process.stdin })) {
      acknowledged.push(line)
      if (acknowledged.length === 40) child.kill('SIGKILL')
    }

    const store = lmdbStore({ path })

    expect(acknowledged.length).toBeGreaterThanOrEqual(40)
    for (const id of acknowledged) expect(await store.entries.read(id)).toMatchObject({ id })
    await store.close()
  })
})

const PRELUDE = `
export { lmdbStore } from './stores/lmdb.js'
export { samples, nextOf } from './contracts/stores/sample-entry.js'
export { fakeHost } from './contracts/fake-host.js'
`

const FILLER = `
const store = lib.lmdbStore({ path: process.argv[2] })
const make = lib.samples(lib.fakeHost())
for (let code; code === undefined; ) {
  const entry = make.entry({ sealed: Buffer.alloc(20000, 1) })
  code = await store.entries.write(entry).then(() => undefined, (error) => error.code)
  console.log(code ?? entry.id)
}
process.exit()
`

const WRITER = `
const [path, id, subject, name] = process.argv.slice(2)
const store = lib.lmdbStore({ path })
const make = lib.samples(lib.fakeHost({ seed: name }))
for (let done = 0; done < 30; ) {
  const found = await store.entries.read(id)
  if ((await store.entries.write(lib.nextOf(found, make.bytes()))) === 'written') done++
}
for (let i = 0; i < 10; i++) await store.entries.write(make.entry({ subject }), { limit: 3 })
await store.close()
`

const REVOKER = `
const [path, id] = process.argv.slice(2)
const store = lib.lmdbStore({ path })
const at = Date.now()
const ended = await store.entries.revoke(id, { reason: 'elsewhere', at })
await store.close()
process.exit(ended ? 0 : 1)
`

const CONFIRMER = `
const [path] = process.argv.slice(2)
const store = lib.lmdbStore({ path })
await store.feed.hold.confirm(await store.feed.head())
await store.close()
`

/** Waits without a turn of its event loop, so that lmdb has no chance to renew its view. */
const BLOCKED_READER = `
import { readSync, writeSync } from 'node:fs'
const [path, id, other] = process.argv.slice(2)
const store = lib.lmdbStore({ path })
await store.entries.read(other)
writeSync(1, 'looked\\n')
readSync(0, Buffer.alloc(16))
writeSync(1, (await store.entries.read(id)) === undefined ? 'gone\\n' : 'still live\\n')
await store.close()
`

const LOGGER_IN = `
const [path] = process.argv.slice(2)
const store = lib.lmdbStore({ path })
const make = lib.samples(lib.fakeHost())
for (;;) {
  const entry = make.entry()
  if ((await store.entries.write(entry)) === 'written') process.stdout.write(entry.id + '\\n')
}
`

async function exit(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode
  return new Promise((resolve) => child.once('exit', resolve))
}

async function first(store: LmdbStore, after: string, stop: AbortController): Promise<unknown> {
  for await (const entry of store.feed.follow(after, stop.signal)) {
    stop.abort()
    return entry
  }
  return undefined
}
