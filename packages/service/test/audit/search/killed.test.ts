import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import type { LoggedEntry } from '../../../src/audit/entry.ts'
import type { EventIndex } from '../../../src/audit/search/event-index.ts'
import { openIndexFile } from '../../../src/audit/search/index-file.ts'
import { folder } from '../../support.ts'
import { allPages, emptyIndex, entry, NOW, type TestIndex } from './support.ts'

/** Another process runs what was built. */
const BUILT = new URL('../../../dist/audit/search/index-file.js', import.meta.url)

beforeAll(() => {
  if (!existsSync(fileURLToPath(BUILT)))
    throw new Error('These tests run what "npm run build" makes: build first.')
})

const KILLS = 20
const LINES = 15_000

/** Ingests a log, and says each time which line it has. */
const WRITER = `
  import { readFileSync } from 'node:fs'
  import { openIndexFile } from ${JSON.stringify(BUILT.href)}
  const [, , path, log] = process.argv
  const entries = readFileSync(log, 'utf8').split('\\n').map((line) => JSON.parse(line))
  const { index } = openIndexFile(path, { now: () => ${NOW} })
  while (index.cursor() < entries.length) {
    index.ingest(entries.slice(index.cursor(), index.cursor() + 37))
    process.stdout.write(index.cursor() + '\\n')
  }
`

function logged(line: number): LoggedEntry {
  const subject = `key-${(line * 7) % 97}`
  const types = ['session-established', 'session-presented', 'session-revoked'] as const
  return entry(
    line,
    {
      type: types[line % 11 === 10 ? 2 : line % 2] ?? 'session-presented',
      subject,
      session: `${subject}-${line % 13}`,
      device: { family: line % 3 === 0 ? 'firefox' : 'chrome', major: 1, os: 'linux' },
    },
    { subject: `name of ${subject}`, address: `203.0.${line % 5}.${line % 200}` },
  )
}

async function everything(
  index: Pick<EventIndex | TestIndex, 'events' | 'sessions' | 'subjects'>,
): Promise<unknown> {
  const limit = 1_000
  return {
    events: await allPages<unknown>(index.events, { limit }),
    sessions: await allPages<unknown>(index.sessions, { limit }),
    subjects: await allPages<unknown>(index.subjects, { limit }),
  }
}

test('an index whose writer is killed twenty times is as one written at once', async () => {
  const at = folder()
  const [script, log, path] = ['writer.mjs', 'log.jsonl', 'index.db'].map((name) => join(at, name))
  const entries = Array.from({ length: LINES }, (_, line) => logged(line))
  writeFileSync(String(script), WRITER)
  writeFileSync(String(log), entries.map((one) => JSON.stringify(one)).join('\n'))
  let acknowledged = 0

  for (let kill = 0; kill < KILLS; kill++) {
    const child = spawn(process.execPath, [script, path, log].map(String), {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const gone = once(child, 'exit')
    let said = 0
    for await (const line of createInterface({ input: child.stdout })) {
      expect(Number(line)).toBeGreaterThan(acknowledged)
      acknowledged = Number(line)
      // Wherever it is by then: mostly within a later transaction.
      if (++said === 2 + (kill % 5)) child.kill('SIGKILL')
    }
    const [, signal] = await gone
    expect(signal).toBe('SIGKILL')
  }

  const { database, index, putAside } = openIndexFile(String(path), { now: () => NOW })
  onTestFinished(() => database.close())
  expect(putAside).toBeNull()
  expect(index.cursor()).toBeGreaterThanOrEqual(acknowledged)
  const rest = entries.slice(index.cursor(), index.cursor() + 2_000)
  index.ingest(rest)
  const fresh = await emptyIndex('SQLite')
  await fresh.ingest(entries.slice(0, index.cursor()))
  expect(await everything(index)).toEqual(await everything(fresh))
})
