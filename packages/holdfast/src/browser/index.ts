/** What the page knows about its device. Claims, not proof; never anything that the person did not already send. */
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

/** The parts of a browser's window that are read. A page passes nothing: its own window is the default. */
export interface PageWindow {
  readonly screen?: { readonly width: number; readonly height: number } | undefined
  readonly devicePixelRatio?: number | undefined
  readonly navigator?:
    | {
        readonly languages?: readonly string[]
        readonly platform?: string
        readonly userAgentData?: { readonly platform?: string }
        readonly maxTouchPoints?: number
      }
    | undefined
  readonly document?: PageDocument | undefined
  readonly location?: PageLocation | undefined
  addEventListener?(type: string, listener: () => void): void
}

/** Where the cookie is kept. */
export interface PageDocument {
  cookie: string
  readonly visibilityState?: string
  addEventListener?(type: string, listener: () => void): void
}

/** Where a person is, and is sent. */
export interface PageLocation {
  readonly origin: string
  readonly pathname: string
  readonly search: string
  assign(url: string): void
}

/** The readable cookie, and the field of login forms. */
export const FACTS_NAME = 'hf-client'

const YEAR_S = 31_536_000

/** Reads the facts now. What the browser does not tell is left out. */
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

/** The facts as the cookie and the form field carry them: `s=2560x1440x2&z=Europe/Oslo&l=en-GB.nb&p=Linux+x86_64&t=0`. */
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

/** Keeps the facts in the readable cookie, so that they come with every request: now, and whenever they may have changed. */
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
  if (document.cookie.split('; ').includes(pair)) return
  document.cookie = `${pair}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax; Secure`
}

/** The part of a form that is written to. */
export interface FactsForm {
  addEventListener(type: 'formdata', listener: (event: { formData: FormData }) => void): void
}

/** Sends the facts with a login form, read at the moment of sending. */
export function attachTo(form: FactsForm, page: PageWindow = ownWindow()): void {
  form.addEventListener('formdata', ({ formData }) => {
    formData.set(FACTS_NAME, encodeFacts(clientFacts(page)))
  })
}

/** The part of `fetch` that is wrapped. */
export type Fetch = (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>

/** Where a challenge sends a person, and what stands in for the browser in tests. */
export interface StepUpOptions {
  /** Where a person proves a factor; `?return=` and `&acr=` are added. Default `/step-up`. */
  readonly stepUpPage?: string
  readonly fetch?: Fetch
  readonly page?: PageWindow
}

/**
 * A `fetch` that answers a challenge the way a person would want: on 401 `step_up_required` it reads the facts again and
 * tries once more; only when that does not help is the person sent to the step-up page. The session token is HttpOnly:
 * this module never sees it. Requests to other origins go through untouched.
 *
 * @example
 * const secureFetch = withStepUp()
 * await secureFetch('/orders', { method: 'POST', body: JSON.stringify(order) })
 */
export function withStepUp(options: StepUpOptions = {}): Fetch {
  const { stepUpPage = '/step-up', page = ownWindow() } = options
  const send: Fetch = options.fetch ?? ((input, init) => fetch(input, init))

  return async (input, init) => {
    const request = new Request(absolute(input, page), init)
    if (new URL(request.url).origin !== page.location?.origin) return send(request)
    const again = request.clone()
    const answer = await send(request)
    if ((await challengeOf(answer)) === undefined) return answer

    refreshFacts(page)
    const second = await send(again)
    const demands = await challengeOf(second)
    if (demands !== undefined) page.location.assign(detour(stepUpPage, page.location, demands))
    return second
  }
}

/** {@link withStepUp} with its defaults. */
export const secureFetch: Fetch = (input, init) => withStepUp()(input, init)

interface Challenge {
  readonly code?: string
  readonly acr_values?: string
}

/** Undefined for every answer that is no challenge. The body stays readable. */
async function challengeOf(answer: Response): Promise<Challenge | undefined> {
  const type = answer.headers.get('content-type') ?? ''
  if (answer.status !== 401 || !type.startsWith('application/problem+json')) return undefined
  const problem: Challenge | null = await answer
    .clone()
    .json()
    .catch(() => null) // cut off on its way: no challenge that could be read
  return problem?.code === 'step_up_required' ? problem : undefined
}

function detour(
  stepUpPage: string,
  { pathname, search }: PageLocation,
  { acr_values: acr }: Challenge,
): string {
  const query = new URLSearchParams({ return: pathname + search })
  if (acr) query.set('acr', acr)
  return `${stepUpPage}${stepUpPage.includes('?') ? '&' : '?'}${query}`
}

function absolute(input: RequestInfo | URL, { location }: PageWindow): RequestInfo | URL {
  return typeof input === 'string' && location !== undefined
    ? new URL(input, location.origin + location.pathname)
    : input
}

function ownWindow(): PageWindow {
  return globalThis
}
