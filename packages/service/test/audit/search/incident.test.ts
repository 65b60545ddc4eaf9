import { readFileSync } from 'node:fs'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../../src/audit/database.ts'
import type { LoggedEntry } from '../../../src/audit/entry.ts'
import { openIndex } from '../../../src/audit/search/event-index.ts'
import { holdfast } from '../../cli/holdfast.ts'
import { AFTERWARDS, incident } from './incident.ts'
import { type SearchServer, searchServer } from './search-server.ts'

const PAGE = readFileSync(new URL('../../../../../docs/search.md', import.meta.url), 'utf8')

/** Each command of the page that has an output below it. */
const EXAMPLES = [...PAGE.matchAll(/```sh\nholdfast (.*)\n```\n\n```text\n([^`]*)```/g)].map(
  ([, command = '', output = '']) => ({ command, output }),
)

let entries: readonly LoggedEntry[]

beforeAll(async () => {
  entries = await incident()
})

async function server(): Promise<SearchServer> {
  const database = openDatabase(':memory:')
  onTestFinished(() => database.close())
  const now = (): number => AFTERWARDS
  const index = openIndex(database, { now })
  index.ingest(entries)
  return searchServer(index, now)
}

test.for(EXAMPLES)('the page says what "holdfast $command" answers', async (example) => {
  const { env } = await server()

  const { code, out, err } = await holdfast(example.command, env)

  expect([code, err]).toEqual([0, ''])
  expect(out).toBe(example.output)
})

test('six questions of an incident have one search each', () => {
  const questions = [...PAGE.matchAll(/^### (.*\?)$/gm)].map(([, question]) => question)

  expect(questions).toEqual([
    ...['Who?', 'From where?', 'Since when?', 'What else did they touch?'],
    ...['What did they do?', 'Are they out?'],
  ])
  expect(EXAMPLES).toHaveLength(questions.length)
})

test('with --json the answer is the one of the API', async () => {
  const { env, get } = await server()

  const { out } = await holdfast('sessions search --network 203.0.113.0/24 --json', env)

  expect(JSON.parse(out)).toEqual((await get('/v1/search/sessions?network=203.0.113.0%2F24')).body)
})
