import type { Random } from '../bench/hijack/random.ts'
import type { Weather } from '../packages/holdfast/test/support/fault-proxy.ts'
import { type Estate, type Node, untilReplaced } from './estate.ts'
import type { ServiceProcess } from './services.ts'
import type { WeatherLog } from './weather-log.ts'

export interface Fault {
  readonly name: string
  /** How often it is chosen, beside the others. */
  readonly weight: number
  /** A master may be replaced by it. */
  readonly losing?: true
  /** Applications do not reach a service, which cannot know that. */
  readonly hidesService?: true
  /** Only where every server is up: two at once are more than such an estate bears. */
  readonly onWhole?: true
  /** Strikes, lasts and passes. */
  strike(): Promise<void>
}

export interface FaultOptions {
  readonly estate: Estate
  readonly services: readonly ServiceProcess[]
  readonly log: WeatherLog
  readonly random: Random
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** All that can happen to this estate. */
export function faultsOf({ estate, services, log, random }: FaultOptions): readonly Fault[] {
  const { nodes } = estate
  const between = (least: number, most: number): number => least + random.next() * (most - least)
  const slow = (): Weather => ({ kind: 'slow', delayMs: Math.round(between(20, 300)) })

  /** The lines of some servers have this weather for a while, for the service alone. */
  async function cloud(some: readonly Node[], weather: Weather, ms: number): Promise<void> {
    for (const { line } of some) line.weather(weather, 'clients')
    await sleep(ms)
    for (const { line } of some) line.weather({ kind: 'clear' }, 'clients')
  }

  async function master(): Promise<Node> {
    const masters = await estate.masters()
    return random.pick(masters.length > 0 ? masters : nodes)
  }

  async function replica(): Promise<Node> {
    const masters = await estate.masters()
    const others = nodes.filter((node) => !masters.includes(node))
    return random.pick(others.length > 0 ? others : nodes)
  }

  async function freeze(some: readonly Node[], ms: number): Promise<void> {
    for (const { server } of some) server.pause()
    await sleep(ms)
    for (const { server } of some) server.resume()
  }

  async function cut(strike: () => Promise<void>): Promise<void> {
    const over = log.cut()
    try {
      await strike()
    } finally {
      over()
    }
  }

  const line = (): ServiceProcess['line'] => random.pick(services).line
  const killable = services.slice(1)

  const faults: Fault[] = [
    {
      name: 'slow line to Redis',
      weight: 3,
      strike: () => cloud(nodes, slow(), between(1_000, 3_000)),
    },
    {
      name: 'connections to Redis reset',
      weight: 3,
      losing: true,
      strike: async () => {
        for (const node of nodes) node.line.reset()
      },
    },
    {
      name: 'line to a master silent',
      weight: 3,
      strike: async () => cloud([await master()], { kind: 'silent' }, between(1_000, 4_000)),
    },
    {
      name: 'no line to Redis at all',
      weight: 3,
      strike: () => cut(() => cloud(nodes, { kind: 'down' }, between(500, 3_000))),
    },
    {
      name: 'all of Redis frozen',
      weight: 1,
      losing: true,
      strike: () => cut(() => freeze(nodes, between(500, 1_500))),
    },
    {
      name: 'master frozen',
      weight: 3,
      losing: true,
      onWhole: true,
      strike: async () => freeze([await master()], between(2_000, 7_000)),
    },
    {
      name: 'master killed (-9) and replaced',
      weight: 4,
      losing: true,
      onWhole: true,
      strike: async () => {
        const before = await estate.masters()
        const killed = random.pick(before)
        await killed.server.stop()
        await untilReplaced(nodes, before)
        await killed.server.restart()
      },
    },
    {
      name: 'master killed (-9) and back at once',
      weight: 2,
      losing: true,
      onWhole: true,
      strike: async () => (await master()).server.restart(),
    },
    {
      name: 'replica killed (-9)',
      weight: 1,
      losing: true,
      onWhole: true,
      strike: async () => {
        const killed = await replica()
        await killed.server.stop()
        await sleep(between(500, 2_000))
        await killed.server.restart()
      },
    },
    {
      name: 'master demoted in place',
      weight: 4,
      losing: true,
      onWhole: true,
      strike: () => estate.demote(random),
    },
    {
      name: 'master cut off from its peers',
      weight: 2,
      losing: true,
      onWhole: true,
      strike: async () => {
        const { line } = await master()
        line.weather({ kind: 'down' }, 'peers')
        await sleep(between(2_000, 7_000))
        line.weather({ kind: 'clear' }, 'peers')
      },
    },
    {
      name: 'service killed (-9)',
      weight: 2,
      hidesService: true,
      strike: async () => {
        const killed = random.pick(killable)
        await killed.kill()
        await sleep(between(0, 1_000))
        await killed.start()
      },
    },
    {
      name: 'service frozen',
      weight: 3,
      hidesService: true,
      strike: async () => {
        const frozen = random.pick(services)
        frozen.pause()
        await sleep(between(500, 5_000))
        frozen.resume()
      },
    },
    {
      name: 'slow line to a service',
      weight: 2,
      hidesService: true,
      strike: async () => {
        const one = line()
        one.weather(slow())
        await sleep(between(1_000, 3_000))
        one.weather({ kind: 'clear' })
      },
    },
    {
      name: 'connections to a service reset',
      weight: 4,
      hidesService: true,
      strike: async () => {
        const one = line()
        for (let times = 1 + random.below(5); times > 0; times--) {
          one.reset()
          await sleep(between(10, 300))
        }
      },
    },
    {
      name: 'line to a service silent',
      weight: 2,
      hidesService: true,
      strike: async () => {
        const one = line()
        one.weather({ kind: 'silent' })
        await sleep(between(500, 2_000))
        one.weather({ kind: 'clear' })
      },
    },
  ]
  const { reshard } = estate
  if (reshard !== undefined) {
    faults.push({
      name: 'partition moved to another master',
      weight: 5,
      onWhole: true,
      strike: () => reshard(random),
    })
  }
  return faults
}
