import { expect, test } from 'vitest'
import { readLog } from '../../src/audit/log/read.ts'
import { verifyAudit } from '../../src/audit/log/verify.ts'
import { library } from './script/library.ts'
import { gate, type Served, service } from './script/service.ts'
import { steps } from './script/steps.ts'
import type { Heard, Way } from './script/way.ts'

interface Played {
  /** What each step tells, as the table has it. */
  readonly wanted: readonly string[]
  readonly told: readonly string[]
  /** What is to be kept, of what was told. */
  readonly kept: readonly Heard[]
}

/** `sampling` is the share that is kept of what the table says is not kept. */
async function play(way: Way, sampling: 0 | 1): Promise<Played> {
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
    kept.push(...heard.filter((_, at) => sampling === 1 || !events[at]?.startsWith('~')))
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

function logged(directory: string): readonly Pick<Heard, 'id' | 'subject'>[] {
  return [...readLog({ directory })].flatMap(({ line }) =>
    line.kind === 'event' ? [line.event] : [],
  )
}

test('the script has sixty steps and more', () => {
  expect(steps().length).toBeGreaterThanOrEqual(60)
})

test.each([
  ['those that come with a change', 0],
  ['all, where it is asked to', 1],
] as const)('the library tells the events of the script, and keeps %s', async (_, sampling) => {
  const way = await library(sampling)

  const { wanted, told, kept } = await play(way, sampling)

  expect(told).toEqual(wanted)
  expect(bySubject(await way.kept())).toEqual(bySubject(kept))
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

  const { wanted, told, kept } = await play(way, sampling)

  expect(told).toEqual(wanted)
  await expect.poll(() => logged(way.directory).length, { timeout: 60_000 }).toBe(kept.length)
  await way.close()
  expect(bySubject(logged(way.directory))).toEqual(bySubject(kept))
  expect(verifyAudit([way.directory]).faults).toEqual([])
})
