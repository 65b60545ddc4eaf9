import { existsSync, readFileSync } from 'node:fs'
import type { SessionEvent } from 'holdfast'
import { expect, test } from 'vitest'
import type { PublicFinding } from '../../src/audit/finding.ts'
import { readLog } from '../../src/audit/log/read.ts'
import { verifyAudit } from '../../src/audit/log/verify.ts'
import { problemsBy, schemaOf } from './schemas.ts'
import { library } from './script/library.ts'
import { gate, type Served, service } from './script/service.ts'
import { script } from './script/steps.ts'
import type { Heard, Way } from './script/way.ts'

interface Played {
  /** What each step tells, as the table has it. */
  readonly wanted: readonly string[]
  readonly told: readonly string[]
  /** What is to be kept, of what was told. */
  readonly kept: readonly Heard[]
  /** Tokens and challenges that people were given. */
  readonly issued: readonly string[]
}

/** `sampling` is the share that is kept of what the table says is not kept. */
async function play(way: Way, sampling: 0 | 1): Promise<Played> {
  const [wanted, told]: string[][] = [[], []]
  // What a service has told of before anybody came.
  const kept: Heard[] = [...way.heard()]
  const { steps, issued } = script()
  for (const { what, run, events, gateOnly } of steps) {
    if (gateOnly && way.crossSite === undefined) continue
    const before = way.heard().length
    await run(way).catch((cause: unknown) => {
      throw new Error(`step "${what}"`, { cause })
    })
    const heard = way.heard().slice(before)
    wanted?.push(...events.map((event) => `${what}: ${event.replace('~', '')}`))
    told?.push(...heard.map((event) => `${what}: ${textOf(event)}`))
    kept.push(...heard.filter((_, at) => sampling === 1 || !events[at]?.startsWith('~')))
  }
  return { wanted: wanted ?? [], told: told ?? [], kept, issued: issued() }
}

const textOf = ({ type, reason }: Heard): string => (reason === null ? type : `${type} ${reason}`)

/** Ids by subject, in their order. What is about nobody has no order that is promised. */
function bySubject(events: readonly Pick<Heard, 'id' | 'subject'>[]): Record<string, string[]> {
  const found: Record<string, string[]> = {}
  for (const { id, subject } of events) {
    const ids = found[subject ?? 'nobody'] ?? []
    found[subject ?? 'nobody'] = [...ids, id]
  }
  found.nobody?.sort()
  return found
}

/** What of tokens and challenges stands in a text: whole, or what follows the id of its session. */
function leaked(issued: readonly string[], text: string): readonly string[] {
  expect(issued.length).toBeGreaterThan(20)
  return issued
    .flatMap((token) => [token, token.split('.').slice(2).join('.')])
    .filter((part) => part !== '' && text.includes(part))
}

function logged(directory: string): readonly SessionEvent[] {
  return [...readLog({ directory })].flatMap(({ line }) =>
    line.kind === 'event' ? [line.event] : [],
  )
}

function found(directory: string): readonly PublicFinding[] {
  return [...readLog({ directory })].flatMap(({ line }) =>
    line.kind === 'finding' ? [line.finding] : [],
  )
}

/** Ids of what is in the log and has not left yet. An output may repeat some. */
function notIn(output: string, directory: string): readonly string[] {
  const text = linesOf(output).join('\n')
  const ids = [...logged(directory), ...found(directory)].map(({ id }) => id)
  return ids.filter((id) => !text.includes(`"id":"${id}"`))
}

function linesOf(output: string): readonly string[] {
  return existsSync(output) ? readFileSync(output, 'utf8').trimEnd().split('\n') : []
}

test('the script has sixty steps and more', () => {
  expect(script().steps.length).toBeGreaterThanOrEqual(60)
})

test.each([
  ['those that come with a change', 0],
  ['all, where it is asked to', 1],
] as const)('the library tells the events of the script, and keeps %s', async (_, sampling) => {
  const way = await library(sampling)

  const { wanted, told, kept, issued } = await play(way, sampling)

  expect(told).toEqual(wanted)
  expect(bySubject(await way.kept())).toEqual(bySubject(kept))
  expect(leaked(issued, way.written())).toEqual([])
})

const SERVED: readonly [string, (sampling: 0 | 1) => Promise<Served>][] = [
  ['a service', service],
  ['a service with a forward-auth gate', (sampling) => gate('forward-auth', sampling)],
  ['a service with an auth-request gate', (sampling) => gate('auth-request', sampling)],
  ['a service with an ext-authz gate', (sampling) => gate('ext-authz', sampling)],
]

test.each(
  SERVED.flatMap(([name, start]) => [
    { name, start, sampling: 0 as const, which: 'each that is kept' },
    { name, start, sampling: 1 as const, which: 'each that is told' },
  ]),
)('$name tells the same, and its audit log has $which once', async ({ start, sampling }) => {
  const way = await start(sampling)

  const { wanted, told, kept, issued } = await play(way, sampling)

  expect(told).toEqual(wanted)
  await expect.poll(() => logged(way.directory).length, { timeout: 60_000 }).toBe(kept.length)
  await expect.poll(() => notIn(way.output, way.directory), { timeout: 60_000 }).toEqual([])
  const isOut = ({ id }: Heard): boolean => way.console().includes(id)
  await expect.poll(() => kept.every(isOut), { timeout: 60_000 }).toBe(true)
  await way.close()
  expect(bySubject(logged(way.directory))).toEqual(bySubject(kept))
  expect(verifyAudit([way.directory]).faults).toEqual([])
  expect([
    ...logged(way.directory).flatMap((event) => problemsBy(schemaOf(event.type), event)),
    ...found(way.directory).flatMap((finding) => problemsBy('urn:holdfast:finding:1', finding)),
    ...linesOf(way.output).flatMap((line) => problemsBy('urn:holdfast:output:1', JSON.parse(line))),
  ]).toEqual([])
  expect(found(way.directory)).not.toEqual([])
  expect(leaked(issued, way.written())).toEqual([])
})
