import { ownWindow, type PageWindow } from './page.ts'

/**
 * What the page knows about its device. These are claims and no proof, and the browser sends or
 * shows each of them to every site anyway.
 */
export interface PageFacts {
  /** Width x height x pixel ratio, for example `2560x1440x2`. */
  readonly screen?: string
  /** IANA name, for example `Europe/Oslo`. */
  readonly timezone?: string
  /** In order of preference. */
  readonly languages?: readonly string[]
  readonly platform?: string
  /** Greatest number of simultaneous touch points. */
  readonly touch?: number
}

/** The readable cookie, and the field of login forms. */
export const FACTS_NAME = 'hf-client'

const YEAR_S = 31_536_000

/** Reads the facts as they are now, without those that the browser does not tell. */
export function clientFacts(page: PageWindow = ownWindow()): PageFacts {
  const { screen, navigator } = page
  const ratio = Math.round((page.devicePixelRatio ?? 1) * 100) / 100
  const timezone = new Intl.DateTimeFormat().resolvedOptions().timeZone
  const languages = (navigator?.languages ?? []).filter((tag) => /^[\w-]{1,35}$/.test(tag))
  const platform = navigator?.userAgentData?.platform || navigator?.platform
  return {
    ...(screen && screen.width > 0 && screen.height > 0
      ? { screen: `${screen.width}x${screen.height}x${ratio}` }
      : {}),
    ...(timezone ? { timezone } : {}),
    ...(languages.length > 0 ? { languages: languages.slice(0, 8) } : {}),
    ...(platform ? { platform } : {}),
    ...(navigator?.maxTouchPoints === undefined ? {} : { touch: navigator.maxTouchPoints }),
  }
}

/**
 * The facts as the cookie and the form field carry them:
 * `s=2560x1440x2&z=Europe/Oslo&l=en-GB.nb&p=Linux+x86_64&t=0`.
 */
export function encodeFacts({ screen, timezone, languages, platform, touch }: PageFacts): string {
  const fields = [
    ['s', screen],
    ['z', timezone],
    ['l', languages?.join('.')],
    ['p', platform?.replace(/[^\w.-]+/g, '+').slice(0, 64)],
    ['t', touch === undefined ? undefined : String(Math.min(touch, 255))],
  ]
  return fields.flatMap(([name, value]) => (value ? `${name}=${value}` : [])).join('&')
}

/**
 * Keeps the facts in the readable cookie, so that they come with every request. Writes it now, and
 * again whenever they may have changed.
 */
export function keepFacts(page: PageWindow = ownWindow()): void {
  const refresh = (): void => refreshFacts(page)
  refresh()
  for (const type of ['resize', 'languagechange', 'pageshow', 'focus']) {
    page.addEventListener?.(type, refresh)
  }
  page.document?.addEventListener?.('visibilitychange', refresh)
}

/** Reads the facts again and writes the cookie if they differ. */
export function refreshFacts(page: PageWindow = ownWindow()): void {
  const { document } = page
  if (document === undefined) return
  const pair = `${FACTS_NAME}=${encodeFacts(clientFacts(page))}`
  const kept = (): boolean => document.cookie.split('; ').includes(pair)
  if (kept()) return
  const cookie = `${pair}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax`
  document.cookie = `${cookie}; Secure`
  // Safari keeps no Secure cookies over plain HTTP, where somebody develops.
  if (!kept() && LOOPBACK.test(page.location?.origin ?? '')) document.cookie = cookie
}

/** Plain HTTP to this very machine. */
const LOOPBACK = /^http:\/\/(?:(?:[\w-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/

/** The part of a form that this module writes to. */
export interface FactsForm {
  addEventListener(type: 'formdata', listener: (event: { formData: FormData }) => void): void
}

/** Reads the facts when a login form is sent, and sends them with it. */
export function attachTo(form: FactsForm, page: PageWindow = ownWindow()): void {
  form.addEventListener('formdata', ({ formData }) => {
    formData.set(FACTS_NAME, encodeFacts(clientFacts(page)))
  })
}
