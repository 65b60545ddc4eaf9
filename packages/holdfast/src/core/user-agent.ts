import type { BrowserFamily, OperatingSystem } from './request.ts'

/** What a user agent string says, as far as it survives updates and frozen version numbers. */
export interface UserAgent {
  readonly family: BrowserFamily
  /** Major version, null when the string names none. */
  readonly major: number | null
  readonly os: OperatingSystem
  readonly mobile: boolean
}

/** Real browsers stay below 400 characters; what comes after this many is not looked at. */
const MAX_LENGTH = 1024

const SCRIPTS = new RegExp(
  '^(?:curl|wget|python|aiohttp|httpx|okhttp|go-http-client|java|apache-httpclient|node|undici|' +
    'axios|got|postmanruntime|insomnia|httpie|libwww-perl|ruby|guzzlehttp|php|scrapy)\\b',
  'i',
)
const ROBOTS = /bot\b|crawler|spider|phantomjs|slimerjs|powershell/i
const NATIVE = /CFNetwork\/|^Dalvik\/|\((?:iPhone|iPad|iPod)|Android/i
const EMBEDDED = /; wv\)|FBA[NV]\/|Instagram |MicroMessenger\/|\b(?:GSA|Electron)\//i

/** Order matters: every Chromium browser also says Chrome, and Chrome also says Safari. */
const BROWSERS: readonly (readonly [BrowserFamily, RegExp])[] = [
  ['edge', /\bEdg(?:e|A|iOS)?\/(\d{1,4})/i],
  ['opera', /\b(?:OPR|OPX|OPT|Opera)\/(\d{1,4})/i],
  ['samsung', /\bSamsungBrowser\/(\d{1,4})/i],
  ['firefox', /\b(?:Firefox|FxiOS)\/(\d{1,4})/i],
  // Headless Chrome is Chrome: what drives a browser says nothing about who holds the session.
  ['chrome', /\b(?:Chrome|HeadlessChrome|Chromium|CriOS)\/(\d{1,4})/i],
  ['safari', /\bVersion\/(\d{1,4})\S{0,32} (?:Mobile\/\w{1,16} )?Safari\//i],
]

/** Order matters: an iPhone says "like Mac OS X", Android says Linux. */
const SYSTEMS: readonly (readonly [OperatingSystem, RegExp])[] = [
  ['windows', /Windows/i],
  ['ios', /iPhone|iPad|iPod/i],
  ['android', /Android/i],
  ['chromeos', /\bCrOS\b/i],
  ['macos', /Macintosh|Mac OS X/i],
  ['linux', /Linux|X11/i],
]

/**
 * Classifies a user agent string in linear time. Empty: unknown. Anything that does not even claim
 * to be Mozilla is a native app if it looks like one, else automation: no browser leaves that out.
 */
export function classifyUserAgent(userAgent: string): UserAgent {
  const text = userAgent.slice(0, MAX_LENGTH).trim()
  const os = SYSTEMS.find(([, pattern]) => pattern.test(text))?.[0] ?? 'unknown'
  const mobile = /Mobi/i.test(text)
  if (text === '') return { family: 'unknown', major: null, os, mobile }
  if (SCRIPTS.test(text) || isRobot(text)) {
    return { family: 'automation', major: null, os, mobile }
  }
  if (!/^(?:Mozilla|Opera)\//i.test(text)) {
    return { family: NATIVE.test(text) ? 'app' : 'automation', major: null, os, mobile }
  }

  for (const [family, pattern] of BROWSERS) {
    const version = pattern.exec(text)?.[1]
    if (version !== undefined) {
      return { family: EMBEDDED.test(text) ? 'app' : family, major: Number(version), os, mobile }
    }
  }
  return { family: EMBEDDED.test(text) ? 'app' : 'unknown', major: null, os, mobile }
}

/** The comment that names Android also names the device, which may be an "XBot Junior". */
function isRobot(text: string): boolean {
  if (!ROBOTS.test(text)) return false
  const agents = text.replace(/\([^()]*\)/g, (comment) =>
    /\bAndroid\b/i.test(comment) && !/compatible|http/i.test(comment) ? '' : comment,
  )
  return ROBOTS.test(agents)
}
