const REASONS_TO_LOG_IN = 401

/**
 * Asks one of the shop's services. A challenge leads to the step-up page and back here, a session that
 * is over to the login page; both never return.
 */
export async function api(path, options = {}) {
  const response = await fetch(path, {
    ...options,
    headers: { accept: 'application/json', ...options.headers },
  })
  if (response.ok) return response.status === 204 ? undefined : response.json()
  const problem = await response.json().catch(() => ({}))
  if (problem.code === 'step_up_required') return leave('/step-up')
  if (response.status === REASONS_TO_LOG_IN) return leave('/login')
  throw new Error(problem.detail ?? problem.title ?? `The shop answered ${response.status}.`)
}

function leave(path) {
  location.assign(`${path}?next=${encodeURIComponent(location.pathname)}`)
  return new Promise(() => {})
}
