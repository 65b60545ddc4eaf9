import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { newKeyring } from 'holdfast'
import { formatKeyring } from 'holdfast/maintenance'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { newNoteKey, noteSigner } from '../../../src/audit/log/note.ts'
import { openVault } from '../../../src/audit/log/personal.ts'
import { readLog } from '../../../src/audit/log/read.ts'
import { verifyAudit } from '../../../src/audit/log/verify.ts'
import { folder } from '../../support.ts'
import { host, segmentsIn } from './support.ts'

const APPENDER = fileURLToPath(new URL('appender.mjs', import.meta.url))
const BUILT = fileURLToPath(new URL('../../../dist/audit/log/audit-log.js', import.meta.url))
const KILLS = 40

beforeAll(() => {
  if (!existsSync(BUILT))
    throw new Error('These tests run what "npm run build" makes: build first.')
})

function writers() {
  const directory = folder()
  const key = newNoteKey('audit.example/killed', host.random)
  const keyring = newKeyring(host)
  const keys = join(folder(), 'keys.json')
  writeFileSync(keys, JSON.stringify({ ring: formatKeyring(keyring), key }))
  let epoch = 0

  return {
    ...{ directory, keyring, verifierKeys: [noteSigner(key).verifierKey] },
    /** A writer in a process of its own. `fileSize`: kilobytes, beyond which no file grows. */
    start({
      batches = Infinity,
      segmentBytes = 60_000,
      fileSize = 'unlimited',
      also = '',
    } = {}): ChildProcess {
      epoch++
      const args = [APPENDER, directory, keys, epoch, batches, segmentBytes, also].map(String)
      const script = `ulimit -f ${fileSize}; exec "$0" "$@"`
      const child = spawn('bash', ['-c', script, process.execPath, ...args], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      onTestFinished(() => void child.kill('SIGKILL'))
      return child
    },
  }
}

test(`a writer killed ${KILLS} times loses and doubles nothing that it acknowledged`, async () => {
  const { directory, keyring, verifierKeys, start } = writers()
  const acknowledged = new Map<string, number>()
  for (let kill = 1; kill <= KILLS; kill++) {
    const child = start()
    let batches = 0
    for await (const line of createInterface({ input: child.stdout ?? process.stdin })) {
      for (const [index, id] of JSON.parse(line)) acknowledged.set(id, index)
      batches++
      // It goes on meanwhile: this hits it anywhere.
      if (batches === 1 + (kill % 5)) child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    expect(child.signalCode).toBe('SIGKILL')
  }
  const last = start({ batches: 1 })
  last.stdout?.resume()
  await once(last, 'close')

  const verdict = verifyAudit([directory], { verifierKeys })
  const vault = openVault({
    ...{ path: join(directory, 'vault.sqlite'), keyring, now: host.now, random: host.random },
  })
  onTestFinished(() => vault.close())
  const ids: string[] = []
  for (const { line, index } of readLog({ directory })) {
    if (line.kind !== 'event') continue
    ids.push(line.event.id)
    const known = acknowledged.get(line.event.id)
    if (known !== undefined) expect(index).toBe(known)
    acknowledged.delete(line.event.id)
    expect(vault.open(line.event, line.personal ?? '')).toMatchObject({ address: '203.0.113.7' })
  }

  expect(last.exitCode).toBe(0)
  expect(verdict.faults).toEqual([])
  expect([...acknowledged.keys()]).toEqual([])
  expect(new Set(ids).size).toBe(ids.length)
  expect(segmentsIn(directory).length).toBeGreaterThan(KILLS)
})

test('a writer killed while it retires loses no line, and no trace of one', async () => {
  const { directory, verifierKeys, start } = writers()
  const acknowledged = new Map<number, string>()
  for (let kill = 1; kill <= 16; kill++) {
    const child = start({ also: 'retire', segmentBytes: 20_000 })
    let batches = 0
    for await (const line of createInterface({ input: child.stdout ?? process.stdin })) {
      for (const [index, id] of JSON.parse(line)) acknowledged.set(index, id)
      batches++
      if (batches === 2 + (kill % 5)) child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    expect(verifyAudit([directory], { verifierKeys }).faults).toEqual([])
  }
  const last = start({ batches: 2, also: 'retire' })
  last.stdout?.resume()
  await once(last, 'close')

  const { faults, directories } = verifyAudit([directory], { verifierKeys })
  const lines = [...readLog({ directory })].map(({ line }) => line)
  expect(last.exitCode).toBe(0)
  expect(faults).toEqual([])
  for (const [index, id] of acknowledged) {
    const line = lines[index]
    if (line?.kind === 'event') expect(line.event.id).toBe(id)
    else expect(line).toMatchObject({ kind: 'stub', position: expect.any(Array) })
  }
  const newest = lines.findLastIndex(({ kind }) => kind === 'segment')
  expect(lines.slice(0, newest).filter(({ kind }) => kind === 'event')).toEqual([])
  expect(directories[0]?.retired).toBeGreaterThan(acknowledged.size / 2)
})

test('a disk that is full throws, and once there is room there is no gap', async () => {
  const { directory, verifierKeys, start } = writers()
  const child = start({ batches: 60, segmentBytes: 10_000_000, fileSize: '256' })
  const ended = once(child, 'close')
  const said: [number, string][][] = []
  for await (const line of createInterface({ input: child.stdout ?? process.stdin })) {
    said.push(JSON.parse(line))
  }
  const [code] = await ended

  const verdict = verifyAudit([directory], { verifierKeys })
  const logged = [...readLog({ directory })].flatMap(({ line, index }) =>
    line.kind === 'event' ? [[index, line.event.id]] : [],
  )
  expect(code).toBe(0)
  expect(said.filter((batch) => batch.length === 0).length).toBeGreaterThan(1)
  expect(verdict.faults).toEqual([])
  expect(verdict.notes.map(({ code }) => code)).toContain('not_counted')
  expect(logged).toEqual(said.flat())
})
