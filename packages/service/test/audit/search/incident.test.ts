import { readFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import type { LoggedEntry } from '../../../src/audit/entry.ts'
import { holdfast } from '../../cli/holdfast.ts'
import { AFTERWARDS, incident } from './incident.ts'
import { type SearchServer, searchServer } from './search-server.ts'
import { DATABASES, type DatabaseName, emptyIndex } from './support.ts'

const PAGE = readFileSync(new URL('../../../../../docs/search.md', import.meta.url), 'utf8')

/** Each command of the page that has an output below it. */
const EXAMPLES = [...PAGE.matchAll(/```sh\nholdfast (.*)\n```\n\n```text\n([^`]*)```/g)].map(
  ([, command = '', output = '']) => ({ command, output }),
)

let entries: readonly LoggedEntry[]

beforeAll(async () => {
  entries = await incident()
})

async function server(database: DatabaseName = 'SQLite'): Promise<SearchServer> {
  const index = await emptyIndex(database, { slice: 20_000, now: AFTERWARDS })
  await index.ingest(entries)
  return searchServer(index, () => AFTERWARDS)
}

test.for(DATABASES.flatMap((database) => EXAMPLES.map((example) => ({ ...example, database }))))(
  'the page says what "holdfast $command" answers: $database',
  async (example) => {
    const { env } = await server(example.database)

    const { code, out, err } = await holdfast(example.command, env)

    expect([code, err]).toEqual([0, ''])
    expect(out).toBe(example.output)
  },
)

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
