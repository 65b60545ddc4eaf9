import { sameCiphers } from '../core/ja4.ts'
import type { BrowserFamily, Device } from '../core/request.ts'
import { sendsHints } from '../core/request-kinds.ts'

/** Browsers skip a version or two. A larger step is odd. */
const PLAUSIBLE_STEP = 3

/** A browser that was not used misses a version in this time: Chrome has one every two weeks. */
const RELEASE_MS = 14 * 24 * 3_600_000

/** Safari 26 came after Safari 18. */
const SAFARI_SKIPPED = { from: 18, to: 26 } as const

export type Difference =
  | 'device_identical'
  | 'browser_updated'
  | 'screen_known'
  | 'screen_new'
  | 'facts_missing'
  | 'browser_downgraded'
  | 'browser_jumped'
  | 'language_changed'
  | 'platform_changed'
  | 'hints_missing'
  | 'hints_contradictory'
  | 'not_a_browser'
  | 'tls_changed'

export interface Circumstances {
  /** Screens that this browser and system were used with before, in this context or another. */
  readonly screens: ReadonlySet<string>
  /** The request is of a kind that leaves out hints. */
  readonly partial: boolean
  /** Time since the known device was seen, ms. */
  readonly elapsed: number
}

/**
 * The ways in which a device differs from one that is known. What a browser says of itself once it
 * says always: to leave it out counts at least as much as to say something else, so saying less is
 * never cheaper than a copy. Hints that requests of this kind lack are not missed. The time zone
 * is not compared: it belongs to the place.
 */
export function differencesOf(
  here: Device,
  before: Device,
  circumstances: Circumstances,
): readonly Difference[] {
  const differences = [
    isDesktopSite(here, before) ? undefined : platform(here, before),
    version(here, before, circumstances),
    screen(here, before, circumstances),
    language(here, before),
    hints(here, before, circumstances),
    handshake(here, before),
  ].flatMap((difference) => difference ?? [])
  const comparable = here.family !== 'unknown' && here.family === before.family
  return differences.length === 0 && comparable && here.major === before.major
    ? ['device_identical']
    : differences
}

function platform(here: Device, before: Device): Difference | undefined {
  const [now, then] = [here.family, before.family]
  const nameless = now === 'automation' ? then !== 'unknown' : now === 'unknown'
  if (nameless && now !== then) {
    return now === 'automation' || isBrowser(then) ? 'not_a_browser' : 'platform_changed'
  }
  const changed = differ(now, then) || systemChanged(here, before) || brandChanged(here, before)
  return changed ? 'platform_changed' : undefined
}

/** A browser names its system always, an application need not. */
function systemChanged(here: Device, before: Device): boolean {
  const left = here.os === 'unknown' && before.os !== 'unknown' && isBrowser(before.family)
  return left || differ(here.os, before.os)
}

/** Forks of Chromium have its user agent and a brand of their own. */
function brandChanged({ hints }: Device, before: Device): boolean {
  const [now, then] = [hints?.brand, before.hints?.brand]
  return now !== undefined && then !== undefined && now !== then
}

/**
 * Whether a telephone began or stopped to ask for the desktop site. It then names another system,
 * and has the same screen.
 */
function isDesktopSite(a: Device, b: Device): boolean {
  const [phone, desktop] = DESKTOP_SITE.has(a.os) ? [a, b] : [b, a]
  const named = DESKTOP_SITE.get(phone.os) === desktop.os
  const same = a.family === b.family && !brandChanged(a, b)
  return named && same && a.screen !== null && a.screen === b.screen
}

const DESKTOP_SITE: ReadonlyMap<Device['os'], Device['os']> = new Map([
  ['ios', 'macos'],
  ['android', 'linux'],
])

function isBrowser(family: BrowserFamily): boolean {
  return family !== 'unknown' && family !== 'app' && family !== 'automation'
}

function version(here: Device, before: Device, { elapsed }: Circumstances): Difference | undefined {
  if (here.family !== before.family || here.major === null || before.major === null)
    return undefined
  const step = releaseOf(here.family, here.major) - releaseOf(before.family, before.major)
  if (step === 0) return undefined
  if (step < 0) return 'browser_downgraded'
  const plausible = PLAUSIBLE_STEP + Math.floor(Math.max(0, elapsed) / RELEASE_MS)
  return step > plausible ? 'browser_jumped' : 'browser_updated'
}

/** The number of a version among all that there were. */
function releaseOf(family: BrowserFamily, major: number): number {
  const { from, to } = SAFARI_SKIPPED
  return family === 'safari' && major >= to ? major - (to - from - 1) : major
}

function screen(here: Device, before: Device, { screens }: Circumstances): Difference | undefined {
  const silent =
    (here.screen === null && before.screen !== null) ||
    (here.timezone === null && before.timezone !== null)
  const found = otherScreen(here, before, screens)
  return silent && found !== 'screen_new' ? 'facts_missing' : found
}

function otherScreen(
  here: Device,
  before: Device,
  screens: ReadonlySet<string>,
): Difference | undefined {
  if (here.screen === null || before.screen === null) return undefined
  if (here.screen === before.screen) return undefined
  const shape = shapeOf(here.screen)
  if (shape === shapeOf(before.screen)) return undefined
  return [...screens].some((each) => shapeOf(each) === shape) ? 'screen_known' : 'screen_new'
}

/**
 * Turning a telephone swaps the sides, and zooming changes the pixel ratio. Neither makes another
 * screen.
 */
function shapeOf(screen: string): string {
  const [width, height] = screen.split('x').map(Number)
  return [width ?? 0, height ?? 0].sort((a, b) => a - b).join('x')
}

function language(here: Device, before: Device): Difference | undefined {
  const [now, then] = [here.languages[0], before.languages[0]]
  if (then === undefined) return undefined
  if (now === undefined) return isBrowser(before.family) ? 'language_changed' : undefined
  return now.toLowerCase() === then.toLowerCase() ? undefined : 'language_changed'
}

/**
 * Only a change counts. A browser that never sent hints, or whose hints always contradicted its
 * agent, has not changed.
 */
function hints(here: Device, before: Device, { partial }: Circumstances): Difference | undefined {
  if (contradictory(here) && !contradictory(before)) return 'hints_contradictory'
  if (partial || before.hints === null || !sendsHints(here)) return undefined
  return saysLess(here.hints, before.hints) ? 'hints_missing' : undefined
}

function saysLess(here: Device['hints'], before: NonNullable<Device['hints']>): boolean {
  if (here === null) return true
  const nameless = here.os === 'unknown' && before.os !== 'unknown'
  return nameless || (here.major === null && before.major !== null)
}

/**
 * One version of a browser offers the same ciphers everywhere. A client that names that version and
 * offers other ciphers is not that browser.
 */
function handshake(here: Device, before: Device): Difference | undefined {
  if (here.family === 'unknown' || here.major === null) return undefined
  if (here.family !== before.family || here.major !== before.major) return undefined
  return sameCiphers(here.tls, before.tls) === false ? 'tls_changed' : undefined
}

function contradictory({ family, major, os, hints }: Device): boolean {
  if (hints === null || family === 'unknown' || family === 'app') return false
  return differ(family, hints.family) || differ(os, hints.os) || (hints.major ?? major) !== major
}

function differ<T extends string>(a: T | 'unknown', b: T | 'unknown'): boolean {
  return a !== 'unknown' && b !== 'unknown' && a !== b
}
