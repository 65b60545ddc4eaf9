import { sameCiphers } from '../core/ja4.ts'
import type { BrowserFamily, Device } from '../core/request.ts'

/** Browsers skip a version or two. A larger step is odd. */
const PLAUSIBLE_STEP = 3

/** These browsers send `Sec-CH-UA` with every request over HTTPS. */
const CHROMIUM: ReadonlySet<BrowserFamily> = new Set(['chrome', 'edge', 'opera', 'samsung'])

export type Difference =
  | 'device_identical'
  | 'browser_updated'
  | 'screen_known'
  | 'screen_new'
  | 'browser_downgraded'
  | 'browser_jumped'
  | 'language_changed'
  | 'platform_changed'
  | 'hints_missing'
  | 'hints_contradictory'
  | 'not_a_browser'
  | 'tls_changed'

/**
 * The ways in which a device differs from one that is known. What either side does not say makes no
 * difference. The time zone is not compared: it belongs to the place.
 */
export function differencesOf(
  here: Device,
  before: Device,
  /** Screens that this browser and system were used with before, in this context or another. */
  { screens }: { readonly screens: ReadonlySet<string> },
): readonly Difference[] {
  const differences = [
    isDesktopSite(here, before) ? undefined : platform(here, before),
    version(here, before),
    screen(here, before, screens),
    language(here, before),
    hints(here, before),
    handshake(here, before),
  ].flatMap((difference) => difference ?? [])
  const comparable = here.family !== 'unknown' && here.family === before.family
  return differences.length === 0 && comparable && here.major === before.major
    ? ['device_identical']
    : differences
}

function platform(here: Device, before: Device): Difference | undefined {
  if (isSilent(here) && isBrowser(before.family)) return 'not_a_browser'
  const familyChanged = differ(here.family, before.family)
  if (familyChanged && here.family === 'automation') return 'not_a_browser'
  return familyChanged || differ(here.os, before.os) ? 'platform_changed' : undefined
}

/**
 * Whether a telephone began or stopped to ask for the desktop site. It then names another system,
 * and has the same screen.
 */
function isDesktopSite(a: Device, b: Device): boolean {
  const [phone, desktop] = DESKTOP_SITE.has(a.os) ? [a, b] : [b, a]
  const named = DESKTOP_SITE.get(phone.os) === desktop.os
  return named && a.family === b.family && a.screen !== null && a.screen === b.screen
}

const DESKTOP_SITE: ReadonlyMap<Device['os'], Device['os']> = new Map([
  ['ios', 'macos'],
  ['android', 'linux'],
])

/**
 * Whether there is no user agent, no hint and no language. A browser does not fall silent in the
 * middle of a session.
 */
function isSilent({ family, hints, languages }: Device): boolean {
  return family === 'unknown' && hints === null && languages.length === 0
}

function isBrowser(family: BrowserFamily): boolean {
  return family !== 'unknown' && family !== 'app' && family !== 'automation'
}

function version(here: Device, before: Device): Difference | undefined {
  if (here.family !== before.family || here.major === null || before.major === null)
    return undefined
  const step = here.major - before.major
  if (step === 0) return undefined
  if (step < 0) return 'browser_downgraded'
  return step > PLAUSIBLE_STEP ? 'browser_jumped' : 'browser_updated'
}

function screen(
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
  if (now === undefined || then === undefined || now === then) return undefined
  return now.toLowerCase() === then.toLowerCase() ? undefined : 'language_changed'
}

/**
 * Only a change counts. A browser that never sent hints, or whose hints always contradicted its
 * agent, has not changed.
 */
function hints(here: Device, before: Device): Difference | undefined {
  if (contradictory(here) && !contradictory(before)) return 'hints_contradictory'
  const missing = here.hints === null && before.hints !== null && CHROMIUM.has(here.family)
  return missing ? 'hints_missing' : undefined
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
