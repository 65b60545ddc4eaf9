import { secureFetch } from './holdfast/index.js'

/**
 * Asks one of the shop's services. A challenge leads to the step-up page and back here, a session that is
 * over to the login page; then this never returns.
 */
export async function api(path, options = {}) {
  const response = await secureFetch(path, {
    ...options,
    headers: { accept: 'application/json', ...options.headers },
  })
  if (response.ok) return response.json()
  const problem = await response.json().catch(() => ({})) // not JSON: the status says enough
  if (problem.code === 'step_up_required') return elsewhere()
  if (response.status === 401) {
    location.assign(`/login?return=${encodeURIComponent(location.pathname)}`)
    return elsewhere()
  }
  throw new Error(problem.detail ?? problem.title ?? `The shop answered ${response.status}.`)
}

/** The browser is on its way to another page. */
function elsewhere() {
  return new Promise(() => {})
}
