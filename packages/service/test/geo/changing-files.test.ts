import { renameSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { mmdb, replaceFile } from '../../../holdfast/test/network/mmdb-files.ts'
import { until } from '../../../holdfast/test/support/until.ts'
import { atHome, folder, LOGIN, type Running, running } from '../support.ts'

/** How often a service looks at its files. */
const LOOK_MS = 60_000
const UNSOUND = 'is not a sound MMDB file'
const MEND = 'Fetch it again, as \\"holdfast geo update\\" does: it is read without a restart.'

function places(country: string): Buffer {
  return mmdb({ '192.0.2.0/24': { country_code: country } }, { type: 'Places' })
}

/** The type of the only value becomes one that there is not. */
function withBrokenRecord(bytes: Buffer): Buffer {
  const broken = Buffer.from(bytes)
  const at = broken.indexOf('country_code')
  broken[at - 1] = 0x00
  broken[at] = 0xf0
  return broken
}

const NORWAY = places('NO')

const DAMAGED: readonly (readonly [string, Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['the page of a proxy', Buffer.from('<html>Log in first</html>')],
  ['the first half of a download', NORWAY.subarray(0, NORWAY.length >> 1)],
  ['a whole file without its last bytes', NORWAY.subarray(0, -20)],
  ['pages that a crash left empty', Buffer.alloc(NORWAY.length)],
  ['a record that cannot be read', withBrokenRecord(NORWAY)],
]

const REPLACEMENTS: readonly (readonly [string, (path: string, bytes: Buffer) => void])[] = [
  ['by renaming', replaceFile],
  ['in place', (path, bytes) => writeFileSync(path, bytes)],
]

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
afterEach(() => void vi.useRealTimers())

function placed(path: string): Promise<Running> {
  return running({ HOLDFAST_GEO_CITY: path })
}

async function login(run: Running, ip: string): Promise<{ token: string; country: unknown }> {
  const body = { ...LOGIN, request: atHome({ ip }) }
  const { token, session } = await (await run.call('POST', '/v1/sessions', { body })).json()
  const shown = await (await run.call('GET', `/v1/sessions/${session.id}`)).json()
  return { token, country: shown.origin.network.country }
}

/** From an address that nobody came from before: what was found of one is remembered a minute. */
function newcomers(run: Running): () => Promise<unknown> {
  let last = 100
  return async () => (await login(run, `192.0.2.${++last % 256}`)).country
}

async function expectLetIn(run: Running, token: string): Promise<void> {
  run.host.advance(LOOK_MS)
  const body = { token, request: atHome() }
  const answer = await run.call('POST', '/v1/verify', { body })
  expect(await answer.json()).toMatchObject({ ok: true, decision: { outcome: 'allow' } })
}

function warnings(run: Running, path: string): readonly string[] {
  return run
    .log()
    .split('\n')
    .filter((line) => line.includes(`The geo data file ${path} `))
}

/** The service looks at its files so many times; what it reads it reads while others are served. */
async function look(run: Running, token: string, times = 1): Promise<void> {
  for (let at = 0; at < times; at++) {
    await vi.advanceTimersByTimeAsync(LOOK_MS)
    await expectLetIn(run, token)
  }
}

/** A file that changes while it is read is left to the next look. */
function lookUntil(what: string, isSo: () => boolean | Promise<boolean>): Promise<true> {
  return until(what, async () => {
    await vi.advanceTimersByTimeAsync(LOOK_MS)
    return isSo()
  })
}

describe.each(DAMAGED)('a geo file that is %s', (_, damaged) => {
  test('at the start: people are let in, and the log names file and mend', async () => {
    const path = join(folder(), 'city.mmdb')
    writeFileSync(path, damaged)

    const run = await placed(path)

    const { token, country } = await login(run, '192.0.2.10')
    expect(country).toBeNull()
    await look(run, token, 3)
    const [told, ...more] = warnings(run, path)
    expect(told).toContain(`${path} ${UNSOUND}; what it would tell (city) is unknown. ${MEND}`)
    expect(more).toEqual([])

    replaceFile(path, NORWAY)
    const next = newcomers(run)
    await lookUntil('the good file is in use', async () => (await next()) === 'NO')
    await expectLetIn(run, token)
  })

  test.each(REPLACEMENTS)(
    'and replaces a good one %s: that stays in use, told once, until a good one comes',
    async (_how, replace) => {
      const path = join(folder(), 'city.mmdb')
      writeFileSync(path, NORWAY)
      const run = await placed(path)
      const next = newcomers(run)
      const { token, country } = await login(run, '192.0.2.10')
      expect(country).toBe('NO')

      replace(path, damaged)
      await lookUntil('the log tells of it', () => warnings(run, path).length > 0)
      await look(run, token, 3)

      expect(await next()).toBe('NO')
      const [told, ...more] = warnings(run, path)
      expect(told).toContain(`${path} ${UNSOUND}; the one read before stays in use. ${MEND}`)
      expect(more).toEqual([])
      replace(path, places('SE'))
      await lookUntil('the good file is in use', async () => (await next()) === 'SE')
      await expectLetIn(run, token)
      expect(warnings(run, path)).toHaveLength(1)
    },
  )
})

test('a geo file that is written in place in two halves is used when it is whole', async () => {
  const path = join(folder(), 'city.mmdb')
  writeFileSync(path, NORWAY)
  const run = await placed(path)
  const next = newcomers(run)
  const { token } = await login(run, '192.0.2.10')
  const sweden = places('SE')

  writeFileSync(path, sweden)
  truncateSync(path, sweden.length - 40)
  await lookUntil('the log tells of it', () => warnings(run, path).length > 0)
  expect(await next()).toBe('NO')
  writeFileSync(path, sweden)

  await lookUntil('the whole file is in use', async () => (await next()) === 'SE')
  await expectLetIn(run, token)
})

test('a geo file that is taken away stays in use, told once, until it is back', async () => {
  const path = join(folder(), 'city.mmdb')
  writeFileSync(path, NORWAY)
  const run = await placed(path)
  const next = newcomers(run)
  const { token } = await login(run, '192.0.2.10')

  renameSync(path, `${path}.away`)
  await lookUntil('the log tells of it', () => warnings(run, path).length > 0)
  await look(run, token, 3)

  expect(await next()).toBe('NO')
  const [told, ...more] = warnings(run, path)
  expect(told).toContain('cannot be read (ENOENT); the one read before stays in use. ')
  expect(told).toContain(MEND)
  expect(more).toEqual([])
  replaceFile(path, places('SE'))
  await lookUntil('the new file is in use', async () => (await next()) === 'SE')
  await expectLetIn(run, token)
})
