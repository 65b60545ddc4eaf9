import { spawn } from 'node:child_process'
import { Writable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { ownJson } from '../../../src/audit/formats/own-json.ts'
import type { AuditOutput } from '../../../src/audit/outputs/output.ts'
import { standardOutput } from '../../../src/audit/outputs/standard-output.ts'
import { entriesFrom } from '../entries.ts'
import { dependencies, until } from './support.ts'

function to(stream: Writable, deps = dependencies()): AuditOutput {
  const format = (entry: Parameters<typeof ownJson>[0]) => ownJson(entry, { personal: 'none' })
  return standardOutput({ name: 'console', format, stream }, deps)
}

/** The input of a program that is run. */
function inputOf(program: string, args: readonly string[]) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

test('entries become lines that a reader gets in order', async () => {
  const reader = inputOf('cat', [])
  let text = ''
  reader.stdout.on('data', (chunk) => {
    text += chunk
  })
  const output = to(reader.stdin)

  output.send(entriesFrom(0, 2))
  output.send(entriesFrom(2, 1))
  await until(() => text.split('\n').length === 4)

  const lines = text.trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line).index)).toEqual([0, 1, 2])
  await until(() => output.delivered() === 2)
  expect(output.state()).toEqual({ sent: 3, dropped: 0, queued: 0, failing: null })
})

test('a reader that does not read costs lines, not memory, and is told once', async () => {
  const deps = dependencies()
  const output = to(inputOf('sleep', ['600']).stdin, deps)

  for (let index = 0; index < 20_000; index += 100) output.send(entriesFrom(index, 100))

  const { dropped, queued, failing } = output.state()
  expect(dropped).toBeGreaterThan(0)
  expect(queued + dropped).toBe(20_000)
  expect(failing).toBe('nobody reads it')
  expect(deps.problems).toHaveLength(1)
  expect(output.delivered()).toBeNull()
  await output.close(1)
})

test('a reader that goes away is a failing output, not the end of the process', async () => {
  const reader = inputOf('true', [])
  const output = to(reader.stdin)
  await new Promise((resolve) => reader.once('exit', resolve))

  output.send(entriesFrom(0, 1))
  await until(() => output.state().failing !== null)
  output.send(entriesFrom(1, 1))

  await until(() => output.state().dropped === 2)
  expect(output.state()).toMatchObject({ sent: 0, queued: 0 })
})

test('closing waits for what is on its way', async () => {
  let release = (): void => {}
  const slow = new Writable({
    write: (_, __, done) => {
      release = done
    },
  })
  const output = to(slow, { ...dependencies(), later: () => () => {} })
  output.send(entriesFrom(0, 1))

  const closed = output.close(1_000)
  release()
  await closed

  expect(output.state()).toMatchObject({ sent: 1, queued: 0 })
})
