import { parseItem, parseList } from 'structured-headers'
import type { BrowserFamily, Device, OperatingSystem } from './request.ts'

/** Chromium sends about 100 characters; longer values are not parsed. */
const MAX_LENGTH = 1024

const CHROMIUM = 'Chromium'

/** Brands with a user agent of their own. Others are decoys (GREASE) or forks of Chromium. */
const BRANDS = new Map<string, BrowserFamily>([
  ['Microsoft Edge', 'edge'],
  ['Opera', 'opera'],
  ['Opera GX', 'opera'],
  ['Opera Mobile', 'opera'],
  ['Samsung Internet', 'samsung'],
  ['Google Chrome', 'chrome'],
  ['HeadlessChrome', 'chrome'],
  [CHROMIUM, 'chrome'],
])

const PLATFORMS = new Map<string, OperatingSystem>([
  ['Windows', 'windows'],
  ['macOS', 'macos'],
  ['Linux', 'linux'],
  ['Android', 'android'],
  ['iOS', 'ios'],
  ['Chrome OS', 'chromeos'],
  ['Chromium OS', 'chromeos'],
])

/**
 * What `Sec-CH-UA` and `Sec-CH-UA-Platform` say (User-Agent Client Hints; Structured Fields, RFC
 * 9651). Null when there are none, or nothing in them is known: junk is no evidence.
 */
export function parseHints(brands: string | null, platform: string | null): Device['hints'] {
  const all = brandsOf(brands)
  const known = all.filter(isKnown)
  const named = known.find(({ name }) => name !== CHROMIUM)
  const brand = named ?? known[0]
  if (brand === undefined) return null
  const os = textOf(platform)
  return {
    family: brand.family,
    major: brand.major,
    os: (os === null ? undefined : PLATFORMS.get(os)) ?? 'unknown',
    brand: named?.name ?? forkOf(all) ?? CHROMIUM,
  }
}

/** `Sec-CH-UA-Mobile`: null when absent or junk. */
export function parseMobileHint(value: string | null): boolean | null {
  const bare = bareItem(value)
  return typeof bare === 'boolean' ? bare : null
}

interface Brand {
  readonly name: string
  /** Undefined: a fork, or a decoy. */
  readonly family: BrowserFamily | undefined
  readonly major: number | null
}

function isKnown(brand: Brand): brand is Brand & { readonly family: BrowserFamily } {
  return brand.family !== undefined
}

/** The brand of a fork. The order of brands changes from version to version. */
function forkOf(brands: readonly Brand[]): string | undefined {
  const [first] = brands
    .filter((brand) => !isKnown(brand) && !DECOY.test(brand.name))
    .map(({ name }) => (READABLE.test(name) ? name : UNREADABLE))
    .sort()
  return first
}

/** "Not A;Brand" and the like, with other signs in each version. */
const DECOY = /^[^A-Za-z]*Not[^A-Za-z]*A[^A-Za-z]*Brand[^A-Za-z]*$/

/** It is shown to people. */
const READABLE = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,31}$/
const UNREADABLE = 'other'

function brandsOf(value: string | null): readonly Brand[] {
  if (value === null || value.length > MAX_LENGTH) return []
  const members = attempt(() => parseList(value)) ?? []
  return members.flatMap(([name, parameters]) => {
    if (typeof name !== 'string') return []
    return { name, family: BRANDS.get(name), major: majorOf(parameters.get('v')) }
  })
}

function majorOf(version: unknown): number | null {
  const digits = typeof version === 'string' ? /^(\d{1,4})(?:\.|$)/.exec(version)?.[1] : undefined
  return digits === undefined ? null : Number(digits)
}

function textOf(value: string | null): string | null {
  const bare = bareItem(value)
  return typeof bare === 'string' ? bare : null
}

function bareItem(value: string | null): unknown {
  if (value === null || value.length > MAX_LENGTH) return null
  return attempt(() => parseItem(value))?.[0] ?? null
}

/** The parser does nothing but parse: whatever it throws says that the client sent junk. */
function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}
