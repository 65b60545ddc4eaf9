import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Corpus, corpus } from '../../../../tools/corpus.mjs'
import { CLIENTS, type Command, orThrow, pythonOrThrow, root, run } from './programs.ts'

/** Compilers start from nothing at the first run. */
const TIMEOUT = 300_000

const COMMITTED = `${root}clients/corpus/access-tokens.json`

/** The same cases, signed just now by keys that no run has seen. */
function freshCorpus(): string {
  const path = `${root}.cache/fresh-corpus.json`
  mkdirSync(`${root}.cache`, { recursive: true })
  writeFileSync(path, JSON.stringify(corpus()))
  return path
}

function read(path: string): Corpus {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** An authority's key set behind real HTTP, which counts how often it is fetched. */
async function publish(path: string): Promise<{ url: string; fetches: () => number }> {
  const body = JSON.stringify(read(path).jwks)
  let fetches = 0
  const server = createServer((_request, response) => {
    fetches++
    response.setHeader('content-type', 'application/jwk-set+json').end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/.well-known/jwks.json`, fetches: () => fetches }
}

describe.each(Object.entries(CLIENTS))('the client for %s', (_language, ready) => {
  let command: Command

  beforeAll(async () => {
    command = await ready()
  }, TIMEOUT)

  function conformance(...args: string[]): Promise<string> {
    return orThrow(run(command.program, [...command.args, ...args], { cwd: command.cwd }))
  }

  test.each([
    ['the committed corpus', () => COMMITTED],
    ['the corpus signed anew', freshCorpus],
  ])('owes every token of %s the verdict that is written there', async (_name, pathOf) => {
    const path = pathOf()

    const said = await conformance('corpus', path)

    const owed = read(path).cases.map(({ name, verdict }) => `${verdict}\t${name}`)
    expect(said.trim().split('\n')).toEqual(owed)
  })

  test('fetches the keys once for 200 unknown key ids, then knows the real one', async () => {
    const { url, fetches } = await publish(COMMITTED)

    const said = await conformance('flood', COMMITTED, url)

    expect(said).toBe('refused\t200\naccept\n')
    expect(fetches()).toBe(1)
  })
})

test(
  'the Go client passes its own tests, go vet and gofmt',
  async () => {
    const cwd = `${root}clients/go`

    expect(await orThrow(run('gofmt', ['-l', '.'], { cwd }))).toBe('')
    await orThrow(run('go', ['vet', './...'], { cwd }))
    const said = await orThrow(run('go', ['test', '-count=1', '-v', './...'], { cwd }))

    const cases = said.match(/^ {4}--- PASS: TestCorpus\//gm) ?? []
    expect(cases).toHaveLength(read(COMMITTED).cases.length)
  },
  TIMEOUT,
)

test(
  'the Python client passes its own tests',
  async () => {
    const args = ['-B', '-m', 'unittest']

    const { code, stderr } = await run(await pythonOrThrow(), args, {
      cwd: `${root}clients/python`,
    })

    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/\nOK\n$/) })
    expect(Number(/^Ran (\d+) tests/m.exec(stderr)?.[1])).toBeGreaterThan(10)
  },
  TIMEOUT,
)

describe('the corpus', () => {
  test('is what tools/corpus.mjs makes, but for the keys', () => {
    const meant = ({ cases, ...rest }: Corpus): unknown => ({
      ...rest,
      jwks: rest.jwks.keys.map(({ kid, kty, alg, use }) => ({ kid, kty, alg, use })),
      cases: cases.map(({ name, verdict, reason }) => ({ name, verdict, reason })),
    })

    expect(meant(read(COMMITTED))).toEqual(meant(corpus()))
  })

  test('names each case once, and holds no private key', () => {
    const { cases, jwks } = read(COMMITTED)

    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length)
    expect(cases.length).toBeGreaterThanOrEqual(200)
    expect(jwks.keys.filter((key) => 'd' in key || 'p' in key)).toEqual([])
  })
})
