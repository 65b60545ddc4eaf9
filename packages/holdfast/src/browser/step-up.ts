import { refreshFacts } from './facts.ts'
import { absolute, type Fetch, ownWindow, type PageLocation, type PageWindow } from './page.ts'
import { type Problem, problemOf } from './problem.ts'

/** Where a challenge sends a person, and what tests use in place of the browser. */
export interface StepUpOptions {
  /**
   * Where a person proves a factor; `?return=` is added, and what the answer asked for: `&acr=`,
   * `&max_age=`, `&sensitivity=`. Default `/step-up`.
   */
  readonly stepUpPage?: string
  readonly fetch?: Fetch
  readonly page?: PageWindow
}

/**
 * A `fetch` that answers a challenge with as little trouble for the person as possible. On 401
 * `step_up_required` it reads the facts again and tries once more; if that does not help, it sends
 * the person to the step-up page. The session token is HttpOnly, so this module never sees it.
 * Requests to other origins are not changed.
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
    const requirements = await challengeOf(second)
    if (requirements !== undefined)
      page.location.assign(detour(stepUpPage, page.location, requirements))
    return second
  }
}

/** {@link withStepUp} with its defaults. */
export const secureFetch: Fetch = (input, init) => withStepUp()(input, init)

function detour(
  stepUpPage: string,
  { pathname, search }: PageLocation,
  { acr_values: acr, max_age: maxAge, sensitivity }: Problem,
): string {
  const query = new URLSearchParams({ return: pathname + search })
  if (acr) query.set('acr', acr)
  if (maxAge !== undefined) query.set('max_age', String(maxAge))
  if (sensitivity !== undefined) query.set('sensitivity', sensitivity)
  return `${stepUpPage}${stepUpPage.includes('?') ? '&' : '?'}${query}`
}

async function challengeOf(answer: Response): Promise<Problem | undefined> {
  const problem = await problemOf(answer)
  return problem?.code === 'step_up_required' ? problem : undefined
}
