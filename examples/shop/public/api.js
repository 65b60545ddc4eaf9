import { element } from './dom.js'
import { secureFetch } from './holdfast/index.js'

/**
 * Asks one of the shop's services. A challenge leads to the step-up page and back here, a session
 * that is over to the login page; then this never returns.
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
  const says = problem.detail ?? problem.title ?? `The shop answered ${response.status}.`
  throw Object.assign(new Error(says), { status: response.status })
}

/**
 * Fills a part of the page with what a service answers: `draw` gives the elements. A failure is
 * told there, too.
 */
export async function fill(place, draw) {
  try {
    place.replaceChildren(...(await draw()))
  } catch (error) {
    place.replaceWith(
      error.status === 404
        ? message('Not here', error.message)
        : message('That did not work', `${error.message} Please load the page again.`),
    )
  }
  place.removeAttribute('aria-busy')
}

function message(title, text) {
  document.title = `${title} · Kelp & Keel`
  return element(
    'div',
    { class: 'card message' },
    element('h1', {}, title),
    element('p', {}, text),
    element('p', {}, element('a', { class: 'button', href: '/' }, 'To the shop')),
  )
}

/** The browser is on its way to another page. */
function elsewhere() {
  return new Promise(() => {})
}
