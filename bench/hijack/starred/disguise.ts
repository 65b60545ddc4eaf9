import { zoneAt, zonesOf } from '../countries.ts'
import { type Facts, KINDS, type KindOfRequest, sentBy } from '../devices.ts'
import { nearest } from '../near.ts'
import type { Person } from '../people.ts'
import {
  addressIn,
  type Block,
  type DataAt,
  neighbourOf,
  type Pools,
  type Provider,
} from '../pools.ts'
import type { Random } from '../random.ts'
import type { Request } from '../timeline.ts'
import type { Starred } from './levels.ts'

/** An exit that a thief can send from, and what he calls it. */
export interface Route {
  readonly name: string
  readonly address: string
}

/** What a thief shows of the browser that he copied, part by part. */
export interface Disguise {
  readonly route: Route
  readonly agent: (typeof AGENTS)[number]
  /** Major versions ahead of the victim's. */
  readonly version: (typeof VERSIONS)[number]
  readonly hints: (typeof COPIES)[number]
  readonly language: (typeof COPIES)[number]
  readonly screen: (typeof COPIES)[number]
  readonly clock: (typeof CLOCKS)[number]
  readonly kind: KindOfRequest
}

const AGENTS = ['copied', 'without its version', 'Mozilla/5.0', 'curl', 'none'] as const
const VERSIONS = [0, 1, 2, 3, -1] as const
const COPIES = ['copied', 'left out'] as const
const CLOCKS = ["the victim's", 'of the place', 'UTC', 'left out'] as const

/** Every choice that a thief has about one part of what he shows. */
export type Choices = { readonly [Part in keyof Disguise]: readonly Disguise[Part][] }

export interface Means {
  readonly level: Starred
  readonly victim: Request
  readonly person: Person
  readonly pools: Pools
  readonly data: DataAt
  readonly rng: Random
}

export function choicesOf(means: Means): Choices {
  return {
    route: routesOf(means),
    agent: AGENTS,
    version: VERSIONS,
    hints: COPIES,
    language: COPIES,
    screen: COPIES,
    clock: CLOCKS,
    kind: KINDS,
  }
}

function routesOf({ level, victim, person, pools, rng }: Means): readonly Route[] {
  const [home] = person.home.near
  const near = (blocks: readonly Block[]): readonly Block[] =>
    home === undefined ? blocks : nearest(blocks, home)
  const through = (name: string, blocks: readonly Block[]): readonly Route[] => {
    const [block] = blocks
    return block === undefined ? [] : [{ name, address: addressIn(block, rng) }]
  }
  const blocksOf = (kind: Provider['kind'], country?: string): readonly Block[] =>
    pools.of(kind, country).flatMap(({ v4 }) => v4)

  switch (level) {
    case 'A2*': {
      const abroad = (blocks: readonly Block[]): readonly Block[] =>
        near(blocks).filter(({ country }) => country !== person.country)
      const visited = person.trips.filter(({ country }) => country !== person.country)
      const own = person.vpn.flatMap(({ v4 }) => v4)
      return [
        ...through('a fixed line in the nearest country', abroad(blocksOf('fixed'))),
        ...through('a fixed line far away', [...abroad(blocksOf('fixed'))].reverse()),
        ...through('a mobile network abroad', abroad(blocksOf('mobile'))),
        ...through('a VPN exit abroad', abroad(blocksOf('vpn'))),
        ...through('a data centre abroad', abroad(blocksOf('hosting'))),
        ...through('a relay abroad', abroad(blocksOf('relay'))),
        ...through('a company network abroad', abroad(blocksOf('corporate'))),
        ...through('a satellite network', abroad(blocksOf('satellite'))),
        ...through("the victim's own VPN, abroad", abroad(own)),
        ...visited.flatMap(({ hotel }) => through('the hotel of a trip', [hotel.block])),
        ...visited.flatMap(({ cell }) => through('the mobile network of a trip', cell.provider.v4)),
      ]
    }
    case 'A3*': {
      const { provider } = person.home
      const others = pools.of('fixed', person.country).filter(({ asn }) => asn !== provider.asn)
      const same = near(provider.v4)
      return [
        ...through('the same provider, the nearest block', same),
        ...through('the same provider, the block after that', same.slice(1)),
        ...through("the victim's mobile carrier", near(person.carrier.v4)),
        ...through('another provider in the city', near(others.flatMap(({ v4 }) => v4))),
        ...through(
          'another provider far away',
          [...near(others.flatMap(({ v4 }) => v4))].reverse(),
        ),
        ...through('another mobile carrier', near(blocksOf('mobile', person.country))),
      ]
    }
    case 'A4*':
      return [
        { name: 'the same address', address: victim.address },
        { name: 'another address of the prefix', address: neighbourOf(victim.address, rng) },
      ]
  }
}

/** What a request in this disguise says of its browser. */
export function factsIn(disguise: Disguise, { victim, data }: Means): Facts {
  const { facts } = victim
  const { version } = facts.shown
  const newer = (text: string): string =>
    disguise.version === 0
      ? text
      : text.replace(new RegExp(`\\b${version}\\b`, 'g'), String(version + disguise.version))
  const headers: Record<string, string> = {}
  const { 'user-agent': agent = '', 'accept-language': language, ...rest } = facts.headers
  for (const [name, value] of Object.entries(rest)) {
    const hint = name.startsWith('sec-ch-ua')
    if (!hint || disguise.hints === 'copied') headers[name] = hint ? newer(value) : value
  }
  const shown = agentShown(disguise, newer(agent))
  if (shown !== '') headers['user-agent'] = shown
  if (language !== undefined && disguise.language === 'copied')
    headers['accept-language'] = language
  const timezone = zoneOf(disguise, { victim, data })
  const { screen, timezone: _own, languages, ...others } = facts.client ?? {}
  const client = {
    ...others,
    ...(screen === undefined || disguise.screen !== 'copied' ? {} : { screen }),
    ...(languages === undefined || disguise.language !== 'copied' ? {} : { languages }),
    ...(timezone === undefined ? {} : { timezone }),
  }
  return {
    headers: sentBy(disguise.kind, headers),
    client: Object.keys(client).length === 0 ? undefined : client,
    shown: facts.shown,
  }
}

function agentShown({ agent }: Disguise, copied: string): string {
  switch (agent) {
    case 'copied':
      return copied
    case 'without its version':
      return copied.replace(/ (Chrome|Firefox|Version|CriOS|Edg|SamsungBrowser)\/[\d.]+/g, '')
    case 'Mozilla/5.0':
      return 'Mozilla/5.0'
    case 'curl':
      return 'curl/8.14.1'
    case 'none':
      return ''
  }
}

function zoneOf(
  { clock, route }: Disguise,
  { victim, data }: Pick<Means, 'victim' | 'data'>,
): string | undefined {
  switch (clock) {
    case "the victim's":
      return victim.facts.client?.timezone
    case 'UTC':
      return 'UTC'
    case 'left out':
      return undefined
    case 'of the place': {
      const place = data(route.address, victim.at)
      const zones = place?.country === undefined ? undefined : zonesOf(place.country)
      return zones === undefined ? undefined : zoneAt(zones, place?.longitude ?? 0)
    }
  }
}
