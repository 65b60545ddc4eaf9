import type { ClientFacts } from 'holdfast'
import type { Random } from './random.ts'
import type { Rates } from './rates.ts'

export const DAY = 86_400_000

type Family = 'chrome' | 'edge' | 'firefox' | 'safari' | 'samsung'
type System = 'windows' | 'macos' | 'linux' | 'ios' | 'android'

/** One browser on one machine, as it was bought. */
export interface Device {
  readonly mobile: boolean
  readonly family: Family
  readonly system: System
  readonly screen: string
  /** A second screen that some visits use. */
  readonly monitor: string | null
  /** Makes up a new user agent for every visit. */
  readonly randomAgent: boolean
  /** Days after a release until this one has it. */
  readonly lag: number
  readonly languageChangesAt: number
}

/** What the device sends with a request. */
export interface Facts {
  readonly headers: Readonly<Record<string, string>>
  readonly client: ClientFacts | undefined
  /** What a rule of the trade reads from them. */
  readonly shown: {
    readonly family: string
    readonly system: string
    readonly version: number
    readonly hints: boolean
  }
}

/** What asks, within a browser. */
export const KINDS = [
  'page',
  'worker script',
  'fetch in a worker',
  'service worker script',
  'socket',
] as const
export type KindOfRequest = (typeof KINDS)[number]

const FETCHED: Readonly<Record<KindOfRequest, Readonly<Record<string, string>>>> = {
  page: fetched('cors', 'empty'),
  'worker script': fetched('same-origin', 'worker'),
  'fetch in a worker': fetched('cors', 'empty'),
  'service worker script': fetched('same-origin', 'serviceworker'),
  socket: { 'sec-websocket-version': '13' },
}

function fetched(mode: string, dest: string): Readonly<Record<string, string>> {
  return { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': mode, 'sec-fetch-dest': dest }
}

/**
 * The headers of a page's request as another kind of request of the same browser has them.
 * Chromium sends its hints with the requests of pages alone.
 */
export function sentBy(kind: KindOfRequest, headers: Facts['headers']): Facts['headers'] {
  const kept = Object.entries(headers).filter(
    ([name]) => !name.startsWith('sec-fetch') && (kind === 'page' || !name.startsWith('sec-ch-ua')),
  )
  return { ...Object.fromEntries(kept), ...FETCHED[kind] }
}

/** What is true of the device during one visit. */
export interface Surroundings {
  readonly at: number
  readonly timezone: string
  readonly languages: readonly string[]
  readonly onMonitor: boolean
  readonly desktopSite: boolean
  /** Drawn once a visit where the agent is made up. */
  readonly madeUp: number | null
}

const DESKTOPS = [
  '1920x1080x1',
  '1536x864x1.25',
  '2560x1440x1',
  '1440x900x2',
  '1366x768x1',
  '1728x1117x2',
] as const
const PHONES = [
  '390x844x3',
  '393x852x3',
  '412x915x2.625',
  '360x800x3',
  '430x932x3',
  '384x832x2.8125',
] as const
const MONITORS = ['2560x1440x1', '3840x2160x1.5', '1920x1200x1', '3440x1440x1'] as const

/** Shares of systems and browsers: rounded from public statistics of 2026. */
export function buyDevice(mobile: boolean, rng: Random, rates: Rates): Device {
  const system = mobile
    ? weighted(rng, [
        ['ios', 0.45],
        ['android', 0.55],
      ] as const)
    : weighted(rng, [
        ['windows', 0.65],
        ['macos', 0.28],
        ['linux', 0.07],
      ] as const)
  const monitor = !mobile && rng.chance(rates.monitorDesktops) ? rng.pick(MONITORS) : null
  return {
    mobile,
    system,
    family: weighted(rng, BROWSERS[system]),
    screen: rng.pick(mobile ? PHONES : DESKTOPS),
    monitor,
    randomAgent: !mobile && rng.chance(rates.randomAgent),
    lag: rng.next() * 10 + (rng.chance(0.1) ? 28 : 0),
    languageChangesAt: rng.wait(rates.languageDays) * DAY,
  }
}

const BROWSERS: Readonly<Record<System, readonly (readonly [Family, number])[]>> = {
  windows: [
    ['chrome', 0.65],
    ['edge', 0.22],
    ['firefox', 0.13],
  ],
  macos: [
    ['chrome', 0.5],
    ['safari', 0.45],
    ['firefox', 0.05],
  ],
  linux: [
    ['chrome', 0.6],
    ['firefox', 0.4],
  ],
  ios: [
    ['safari', 0.9],
    ['chrome', 0.1],
  ],
  android: [
    ['chrome', 0.9],
    ['samsung', 0.1],
  ],
}

function weighted<T>(rng: Random, choices: readonly (readonly [T, number])[]): T {
  let left = rng.next() * choices.reduce((sum, [, share]) => sum + share, 0)
  for (const [choice, share] of choices) {
    left -= share
    if (left < 0) return choice
  }
  throw new RangeError('no choice')
}

/** `at` counts ms from the start of the world. */
export function factsOf(device: Device, now: Surroundings, rates: Rates): Facts {
  const { family, system, mobile } = device
  const day = now.at / DAY - device.lag
  const chromium =
    140 +
    Math.floor(Math.max(0, day + 280) / rates.chromiumDays) -
    Math.floor(280 / rates.chromiumDays)
  const version = {
    chrome: chromium,
    edge: chromium,
    samsung: 28 + Math.floor(Math.max(0, day + 60) / 60),
    firefox: 142 + Math.floor((day + 280) / rates.firefoxDays) - 10,
    safari: 26,
  }[family]
  const minor = Math.floor((day + 280) / rates.safariDays)
  const asDesktop = now.desktopSite && mobile
  const shown: Shown = asDesktop
    ? { family, system: system === 'ios' ? 'macos' : 'linux', mobile: false, version, minor }
    : { family, system, mobile, version, minor }
  const agent =
    now.madeUp === null ? agentOf(shown) : agentOf({ ...shown, version: 90 + now.madeUp })
  const hints = hintsOf(shown)
  const languages = now.at >= device.languageChangesAt ? ['en-GB', ...now.languages] : now.languages
  return {
    headers: sentBy('page', {
      'user-agent': agent,
      'accept-language': languages
        .map((tag, at) => (at === 0 ? tag : `${tag};q=${(1 - at / 10).toFixed(1)}`))
        .join(','),
      ...hints,
    }),
    client: {
      screen: now.onMonitor && device.monitor !== null ? device.monitor : device.screen,
      timezone: now.timezone,
      languages,
    },
    shown: {
      family,
      system: shown.system,
      version: now.madeUp === null ? version : 90 + now.madeUp,
      hints: 'sec-ch-ua' in hints,
    },
  }
}

interface Shown {
  readonly family: Family
  readonly system: System
  readonly mobile: boolean
  readonly version: number
  /** Of Safari and its system, which change together. */
  readonly minor: number
}

function agentOf({ family, system, mobile, version, minor }: Shown): string {
  const platform = {
    windows: 'Windows NT 10.0; Win64; x64',
    macos: 'Macintosh; Intel Mac OS X 10_15_7',
    linux: 'X11; Linux x86_64',
    ios: `iPhone; CPU iPhone OS 18_${minor} like Mac OS X`,
    android: 'Linux; Android 10; K',
  }[system]
  const webkit = `Mozilla/5.0 (${platform}) AppleWebKit/537.36 (KHTML, like Gecko)`
  if (family === 'firefox')
    return `Mozilla/5.0 (${platform}; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`
  if (system === 'ios' || family === 'safari') {
    const webkit605 = `Mozilla/5.0 (${platform}) AppleWebKit/605.1.15 (KHTML, like Gecko)`
    const name = family === 'chrome' ? `CriOS/${version}.0.0.0` : `Version/26.${minor}`
    return `${webkit605} ${name}${mobile ? ' Mobile/15E148' : ''} Safari/605.1.15`
  }
  const tail = mobile ? 'Mobile Safari/537.36' : 'Safari/537.36'
  if (family === 'samsung') return `${webkit} SamsungBrowser/${version}.0 Chrome/136.0.0.0 ${tail}`
  const chrome = `${webkit} Chrome/${version}.0.0.0 ${tail}`
  return family === 'edge' ? `${chrome} Edg/${version}.0.0.0` : chrome
}

/** User-Agent Client Hints: Chromium alone sends them, and not on iOS. */
function hintsOf({ family, system, mobile, version }: Shown): Readonly<Record<string, string>> {
  const brand = {
    chrome: 'Google Chrome',
    edge: 'Microsoft Edge',
    samsung: 'Samsung Internet',
    firefox: null,
    safari: null,
  }[family]
  if (brand === null || system === 'ios') return {}
  const platform = { windows: 'Windows', macos: 'macOS', linux: 'Linux', android: 'Android' }[
    system
  ]
  const engine = family === 'samsung' ? 136 : version
  return {
    'sec-ch-ua': `"${brand}";v="${version}", "Chromium";v="${engine}", "Not?A_Brand";v="24"`,
    'sec-ch-ua-mobile': mobile ? '?1' : '?0',
    'sec-ch-ua-platform': `"${platform}"`,
  }
}
