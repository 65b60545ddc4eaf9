import { existsSync, readFileSync } from 'node:fs'
import type { SessionEvent } from 'holdfast'
import { expect, test } from 'vitest'
import type { PublicFinding } from '../../src/audit/finding.ts'
import { readLog } from '../../src/audit/log/read.ts'
import { verifyAudit } from '../../src/audit/log/verify.ts'
import { problemsBy, schemaOf } from './schemas.ts'
import { library } from './script/library.ts'
import { gate, type Served, service } from './script/service.ts'
import { steps } from './script/steps.ts'
import type { Heard, Way } from './script/way.ts'

interface Played {
  /** What each step tells, as the table has it. */
  readonly wanted: readonly string[]
  readonly told: readonly string[]
  /** What the table says is kept, of what was told. */
  readonly kept: readonly Heard[]
}

async function play(way: Way): Promise<Played> {
  const [wanted, told]: string[][] = [[], []]
  const kept: Heard[] = []
  for (const { what, run, events, gateOnly } of steps()) {
    if (gateOnly && way.crossSite === undefined) continue
    const before = way.heard().length
    await run(way).catch((cause: unknown) => {
      throw new Error(`step "${what}"`, { cause })
    })
    const heard = way.heard().slice(before)
    wanted?.push(...events.map((event) => `${what}: ${event.replace('~', '')}`))
    told?.push(...heard.map((event) => `${what}: ${textOf(event)}`))
    kept.push(...heard.filter((_, at) => !events[at]?.startsWith('~')))
  }
  return { wanted: wanted ?? [], told: told ?? [], kept }
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
  expect(steps().length).toBeGreaterThanOrEqual(60)
})

test('the library tells the events of the script, and keeps those that are kept', async () => {
  const way = await library()

  const { wanted, told, kept } = await play(way)

  expect(told).toEqual(wanted)
  expect(bySubject(await way.kept())).toEqual(bySubject(kept))
})

test.each<[string, () => Promise<Served>]>([
  ['a service', service],
  ['a service with a forward-auth gate', () => gate('forward-auth')],
  ['a service with an auth-request gate', () => gate('auth-request')],
])('%s tells the same, and its audit log has each once and nothing else', async (_, start) => {
  const way = await start()

  const { wanted, told, kept } = await play(way)

  expect(told).toEqual(wanted)
  await expect.poll(() => logged(way.directory).length, { timeout: 60_000 }).toBe(kept.length)
  await expect.poll(() => notIn(way.output, way.directory), { timeout: 60_000 }).toEqual([])
  await way.close()
  expect(bySubject(logged(way.directory))).toEqual(bySubject(kept))
  expect(verifyAudit([way.directory]).faults).toEqual([])
  expect([
    ...logged(way.directory).flatMap((event) => problemsBy(schemaOf(event.type), event)),
    ...found(way.directory).flatMap((finding) => problemsBy('urn:holdfast:finding:1', finding)),
    ...linesOf(way.output).flatMap((line) => problemsBy('urn:holdfast:output:1', JSON.parse(line))),
  ]).toEqual([])
  expect(found(way.directory)).not.toEqual([])
})
