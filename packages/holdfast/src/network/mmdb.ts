import type { Duration } from '../core/duration.ts'
import type { Lookup, LookupResult } from '../core/lookup.ts'
import {
  duration,
  func,
  list,
  made,
  needed,
  passing,
  whole,
  withDefault,
  words,
} from '../core/option-kinds.ts'
import { checked, isObject, type OptionsOf, type OptionTable } from '../core/options.ts'
import type { NetworkKind } from '../core/request.ts'
import { parseAddress } from './address.ts'
import { ASN_KINDS } from './asn-kinds.ts'
import { fileSource, type GeoFile, type GeoProblem } from './geo-file.ts'
import { type ListFile, listSources, type NetworkLists } from './list-file.ts'

/** Files, and how they are watched. */
export interface GeoLookupOptions {
  /**
   * MMDB files with places, for example one for IPv4 and one for IPv6. The first that knows a fact
   * wins.
   */
  readonly city: readonly string[]
  /** MMDB files with autonomous systems. */
  readonly asn: readonly string[]
  /**
   * Called once for each problem of the data. Missing data makes facts unknown, and never fails a
   * request.
   */
  readonly onProblem: (problem: GeoProblem) => void
  /** What an autonomous system is. Default: {@link ASN_KINDS}. */
  readonly kinds?: ReadonlyMap<number, NetworkKind> | undefined
  /**
   * Files of networks by what they are; the narrowest network is believed, before the kind of its
   * provider in `kinds`.
   */
  readonly networks?: NetworkLists | undefined
  /** How often to look for changed files: at least 1 s, default 1 minute. */
  readonly checkEvery?: Duration | undefined
  /** Addresses whose answer is remembered (default 10 000). */
  readonly cached?: number | undefined
}

const file = words('the path of an MMDB file')

/** The options of `geoLookup()`. */
export const GEO_OPTIONS = {
  of: 'geoLookup()',
  fields: {
    city: needed(list(file), "city: ['dbip-city-lite.mmdb'], or [] for none"),
    asn: needed(list(file), "asn: ['dbip-asn-lite.mmdb'], or [] for none"),
    onProblem: needed(
      func<(problem: GeoProblem) => void>('it hears of each problem of the data'),
      'onProblem: console.warn',
    ),
    kinds: withDefault(made<ReadonlyMap<number, NetworkKind>>('a Map', ['get']), ASN_KINDS),
    networks: withDefault(
      passing<NetworkLists>('an object with lists of files by kind', isObject),
      {},
    ),
    checkEvery: withDefault(duration({ min: 1_000, max: 86_400_000 }), 60_000),
    cached: withDefault(whole(), 10_000),
  } satisfies OptionsOf<GeoLookupOptions>,
  aliases: {
    checkEveryMs: 'checkEvery',
    interval: 'checkEvery',
    cities: 'city',
    geoCity: 'city',
    geoAsn: 'asn',
    onError: 'onProblem',
    lists: 'networks',
  },
} satisfies OptionTable

/** Geo and ASN data that renews itself. */
export interface GeoLookup {
  readonly lookup: Lookup
  /**
   * Reads the files that changed, now instead of at the next check. True when answers may differ.
   * Never rejects.
   */
  refresh(): Promise<boolean>
  /** What is in use. */
  files(): readonly GeoFile[]
  /** The lists of networks in use. */
  lists(): readonly ListFile[]
  /** Stops looking for changes; what was loaded goes on answering. */
  close(): void
}

/**
 * Places and networks from MMDB files, of MaxMind, DB-IP or the same facts laid flat. Files are
 * read whole into memory (as large as they are on disk), at once, and again when they change: a new
 * file replaces the old between two look-ups, a broken one never does.
 *
 * @example
 * const [city, asn] = [['dbip-city-lite.mmdb'], ['dbip-asn-lite.mmdb']]
 * const geo = geoLookup({ city, asn, onProblem: console.warn })
 * const sessions = createSessions({ store, keyring, lookup: geo.lookup })
 */
export function geoLookup(options: GeoLookupOptions): GeoLookup {
  const { city, asn, onProblem, kinds, networks, checkEvery, cached } = checked(
    GEO_OPTIONS,
    options,
  )
  const sources = [
    ...city.map((path) => fileSource(path, 'city', onProblem)),
    ...asn.map((path) => fileSource(path, 'asn', onProblem)),
  ]
  // From last to first, so that the first file that knows a fact has the last word.
  const reversed = [...sources].reverse()
  const answers = new Map<string, LookupResult | undefined>()
  const lists = listSources(networks, onProblem)
  for (const source of sources) source.load()
  lists.load()
  if (sources.length === 0) onProblem(NO_DATA)

  function look(text: string): LookupResult | undefined {
    const address = parseAddress(text)
    if (address === undefined) return undefined
    let place: LookupResult | undefined
    for (const source of reversed) {
      const found = source.find(address)
      if (found !== undefined) place = { ...place, ...found }
    }
    const provider = place?.asn === undefined ? undefined : kinds.get(place.asn)
    const kind = lists.kindOf(address) ?? provider
    return kind === undefined ? place : { ...place, kind }
  }

  const refresh = onceAtATime(async () => {
    const changes = await Promise.all([...sources, lists].map((source) => source.reload()))
    if (!changes.includes(true)) return false
    answers.clear()
    return true
  })
  const timer = setInterval(refresh, checkEvery)
  timer.unref()

  return {
    lookup(address) {
      if (answers.has(address)) return answers.get(address)
      const place = look(address)
      const [oldest] = answers.keys()
      if (answers.size >= cached && oldest !== undefined) answers.delete(oldest)
      if (cached > 0) answers.set(address, place)
      return place
    },
    refresh,
    files: () => sources.map((source) => source.describe()),
    lists: lists.describe,
    close: () => clearInterval(timer),
  }
}

/** Whoever asks while it runs gets the result of that run. */
function onceAtATime(reload: () => Promise<boolean>): () => Promise<boolean> {
  let running: Promise<boolean> | undefined
  return () => {
    running ??= reload().finally(() => {
      running = undefined
    })
    return running
  }
}

const NO_DATA: GeoProblem = {
  kind: 'none',
  file: null,
  message:
    'No geo data is configured: countries, cities and networks are unknown. "holdfast geo ' +
    'update" fetches free data.',
}
