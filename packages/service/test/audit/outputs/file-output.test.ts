import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ownJson } from '../../../src/audit/formats/own-json.ts'
import { fileOutput } from '../../../src/audit/outputs/file-output.ts'
import type { AuditOutput } from '../../../src/audit/outputs/output.ts'
import { entriesFrom, HOSTILE, hostileEntry } from '../entries.ts'
import { dependencies, folder, type TestDependencies } from './support.ts'

function opened(
  path: string,
  { maxBytes = 1_000_000, keep = 3 } = {},
  deps: TestDependencies = dependencies(),
): AuditOutput {
  const output = fileOutput(
    {
      name: 'copy',
      format: (entry) => ownJson(entry, { personal: 'full' }),
      path,
      maxBytes,
      keep,
    },
    deps,
  )
  onTestFinished(() => output.close(0))
  return output
}

function indexesIn(path: string): readonly number[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line).index)
}

test('entries become lines of a file that the group may read', () => {
  const path = join(folder(), 'audit.jsonl')
  const output = opened(path)

  output.send(entriesFrom(0, 3))
  output.send(entriesFrom(3, 2))

  expect(indexesIn(path)).toEqual([0, 1, 2, 3, 4])
  expect(statSync(path).mode & 0o777).toBe(0o640)
  expect(output.state()).toEqual({ sent: 5, dropped: 0, queued: 0, failing: null })
  expect(output.delivered()).toBe(4)
})

test('a file never grows beyond its bound, and the oldest go', () => {
  const directory = folder()
  const path = join(directory, 'audit.jsonl')
  const output = opened(path, { maxBytes: 5_000, keep: 2 })

  for (let index = 0; index < 60; index += 6) output.send(entriesFrom(index, 6))

  const files = readdirSync(directory).sort()
  expect(files).toEqual(['audit.jsonl', 'audit.jsonl.1', 'audit.jsonl.2'])
  for (const file of files) expect(statSync(join(directory, file)).size).toBeLessThanOrEqual(5_000)
  const kept = files.reverse().flatMap((file) => indexesIn(join(directory, file)))
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => 60 - kept.length + i))
})

test('an entry that is larger than a file may be has a file of its own', () => {
  const path = join(folder(), 'audit.jsonl')
  const output = opened(path, { maxBytes: 10 })

  output.send(entriesFrom(0, 3))

  expect(indexesIn(path)).toEqual([2])
  expect(indexesIn(`${path}.2`)).toEqual([0])
})

test('a file that was moved away is made anew', () => {
  const path = join(folder(), 'audit.jsonl')
  const output = opened(path)

  output.send(entriesFrom(0, 1))
  renameSync(path, `${path}.moved`)
  output.send(entriesFrom(1, 1))

  expect(indexesIn(`${path}.moved`)).toEqual([0])
  expect(indexesIn(path)).toEqual([1])
})

test('a line that a killed process has torn stays by itself', () => {
  const path = join(folder(), 'audit.jsonl')
  appendFileSync(path, '{"index":0}\n{"ind')
  const output = opened(path)

  output.send(entriesFrom(7, 1))

  const lines = readFileSync(path, 'utf8').split('\n')
  expect(lines.slice(0, 2)).toEqual(['{"index":0}', '{"ind'])
  expect(JSON.parse(lines[2] ?? '')).toMatchObject({ index: 7 })
})

test('a directory that is missing is told once, and counted until it is there', () => {
  const directory = join(folder(), 'missing')
  const deps = dependencies()
  const output = opened(join(directory, 'audit.jsonl'), {}, deps)

  output.send(entriesFrom(0, 2))
  output.send(entriesFrom(2, 2))
  expect(output.state()).toMatchObject({
    sent: 0,
    dropped: 4,
    failing: expect.stringMatching(/^ENOENT/),
  })
  mkdirSync(directory)
  output.send(entriesFrom(4, 1))

  expect(output.state()).toEqual({ sent: 1, dropped: 4, queued: 0, failing: null })
  expect(deps.problems).toEqual([
    expect.stringMatching(/^audit output copy fails: ENOENT.*missing/),
    'audit output copy works again; entries that were dropped: 4',
  ])
})

test('who sends again from behind what was delivered misses nothing', () => {
  const directory = join(folder(), 'missing')
  const path = join(directory, 'audit.jsonl')
  const output = opened(path)
  mkdirSync(directory)
  output.send(entriesFrom(0, 2))
  rmSync(directory, { recursive: true })
  output.send(entriesFrom(2, 2))
  mkdirSync(directory)
  output.send(entriesFrom(4, 2))
  expect(output.delivered()).toBe(1)

  output.send(entriesFrom((output.delivered() ?? -1) + 1, 4))

  expect(indexesIn(path)).toEqual([4, 5, 2, 3, 4, 5])
  expect(output.delivered()).toBe(5)
})

test('a directory that cannot be written is a failing output, not a throw', () => {
  const output = opened('/sys/holdfast-audit.jsonl')

  output.send(entriesFrom(0, 2))

  expect(output.state()).toMatchObject({ sent: 0, dropped: 2 })
  expect(output.state().failing).toMatch(/^(?:EACCES|EROFS|EPERM|ENOENT)/)
})

test('a full device is a failing output, not a throw', () => {
  const path = join(folder(), 'audit.jsonl')
  symlinkSync('/dev/full', path)
  const output = opened(path)

  output.send(entriesFrom(0, 2))

  expect(output.state()).toMatchObject({
    sent: 0,
    dropped: 2,
    failing: expect.stringMatching(/^ENOSPC/),
  })
})

test('a device is written, and never renamed', () => {
  const path = join(folder(), 'audit.jsonl')
  symlinkSync('/dev/null', path)
  const output = opened(path, { maxBytes: 10 })

  output.send(entriesFrom(0, 3))

  expect(output.state()).toMatchObject({ sent: 3, failing: null })
  expect(existsSync(`${path}.1`)).toBe(false)
})

test('a disk that fills up in the middle of a line tears no other', ({ skip }) => {
  const disk = folder()
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', disk])
  if (mounted.status !== 0) skip('a small disk cannot be mounted without being root')
  onTestFinished(() => void spawnSync('umount', [disk]))
  const path = join(disk, 'audit.jsonl')
  const output = opened(path)

  output.send(entriesFrom(0, 60))
  const { sent, dropped } = output.state()
  expect(output.state().failing).toMatch(/^ENOSPC/)
  expect(sent + dropped).toBe(60)
  expect(output.delivered()).toBe(sent - 1)
  expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(sent + 1)
  rmSync(path)
  output.send(entriesFrom(60, 1))

  expect(indexesIn(path)).toEqual([60])
  expect(output.state()).toMatchObject({ failing: null, sent: sent + 1 })
})

test('a file that can no longer be renamed takes nothing beyond its bound', () => {
  const directory = folder()
  const path = join(directory, 'audit.jsonl')
  // A directory that is not empty cannot be replaced by a file.
  mkdirSync(join(`${path}.1`, 'in', 'the-way'), { recursive: true })
  const output = opened(path, { maxBytes: 2_000, keep: 1 })

  for (let index = 0; index < 10; index++) output.send(entriesFrom(index, 1))

  expect(statSync(path).size).toBeLessThanOrEqual(2_000)
  expect(output.state().failing).not.toBeNull()
  expect(output.state().dropped).toBeGreaterThan(0)
})

test('each hostile entry is one line of JSON without controls', () => {
  const path = join(folder(), 'audit.jsonl')
  const output = opened(path)
  const hostile = Object.values(HOSTILE).map((text) => hostileEntry('login-failed', text))

  output.send(hostile)

  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  expect(lines).toHaveLength(hostile.length)
  for (const line of lines) {
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    expect(JSON.parse(line)).not.toHaveProperty('admin')
  }
})

test('a closed output counts what still comes', async () => {
  const path = join(folder(), 'audit.jsonl')
  const output = opened(path)

  await output.close(0)
  output.send(entriesFrom(0, 2))

  expect(output.state()).toMatchObject({ dropped: 2 })
  expect(existsSync(path)).toBe(false)
})
