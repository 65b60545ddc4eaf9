import { emptyBasket } from './basket-store.js'
import { clock, element } from './dom.js'
import { gauge, reasonList, signed } from './evidence.js'

const STATES = {
  confirmed: 'Confirmed',
  provisional: 'On trial',
  challenged: 'Challenged',
}

const OUTCOMES = {
  allow: 'let in',
  observe: 'watched',
  challenge: 'asked',
  limit: 'reading only',
  deny: 'refused',
  revoke: 'ended',
}

const GRAVITY = ['plain', 'good', 'warn', 'bad']

const live = document.querySelector('[data-live]')
const sessionPlace = document.querySelector('[data-session]')
const contextsPlace = document.querySelector('[data-contexts]')
const eventsPlace = document.querySelector('[data-events]')
const seen = new Set()

const stream = new EventSource('/sees/stream')
stream.addEventListener('open', () => say('on', 'Live'))
stream.addEventListener('error', () => {
  if (stream.readyState === EventSource.CLOSED) say('off', 'Not connected: reload to go on')
  else say('', 'Connecting')
})
stream.addEventListener('session', ({ data }) => showSession(JSON.parse(data)))
stream.addEventListener('events', ({ data }) => JSON.parse(data).forEach(showEvent))
stream.addEventListener('over', () => {
  stream.close()
  say('off', 'This session is over')
  contextsPlace.replaceChildren()
})

document.querySelector('[data-begin-again]').addEventListener('submit', emptyBasket)

function say(state, text) {
  live.className = `live ${state}`
  live.textContent = text
}

function showSession(session) {
  sessionPlace.replaceChildren(
    ...fact('Session id', element('code', {}, session.id)),
    ...fact('Of', session.subject),
    ...fact('Logged in', clock(session.createdAt)),
    ...fact('Proven by', session.proven),
    ...fact('Ends', `${new Date(session.expiresAt).toLocaleString('en-GB')} at the latest`),
    ...(session.forked
      ? fact(
          'Fork',
          element(
            'span',
            { class: 'tag bad' },
            'Two holders of one secret: both must prove themselves',
          ),
        )
      : []),
  )
  contextsPlace.replaceChildren(...session.contexts.map(contextCard))
}

function fact(name, value) {
  return [element('dt', {}, name), element('dd', {}, value)]
}

function contextCard(context) {
  return element(
    'li',
    { class: `card context ${context.state}` },
    element(
      'header',
      {},
      element('h3', {}, context.place),
      element(
        'span',
        { class: 'tags' },
        context.here
          ? element('span', { class: 'tag good', 'data-here': true }, 'this browser')
          : null,
        element('span', { class: `tag ${context.state}` }, STATES[context.state]),
      ),
    ),
    element('p', { class: 'muted' }, context.network, element('br'), context.device),
    gauge(context.evidence),
    reasonList(context.because, context.note),
    element(
      'p',
      { class: 'small-print' },
      `First ${clock(context.firstSeen)}, last ${clock(context.lastSeen)}`,
      context.clock === null ? '' : `. Its clock says ${context.clock}.`,
    ),
  )
}

/** What one request caused is one entry: the same instant, place and reasons. */
function showEvent(event) {
  if (seen.has(event.id)) return
  seen.add(event.id)
  const moment = `${event.at} ${event.from} ${event.score}`
  const newest = eventsPlace.firstElementChild
  if (newest?.dataset.moment === moment) {
    newest.querySelector('strong').append(`; ${event.title.toLowerCase()}`)
    if (GRAVITY.indexOf(event.tone) > GRAVITY.indexOf(newest.className))
      newest.className = event.tone
    return
  }
  eventsPlace.prepend(
    element(
      'li',
      { class: event.tone, 'data-moment': moment },
      element(
        'div',
        { class: 'head' },
        element('time', { datetime: new Date(event.at).toISOString() }, clock(event.at)),
        element('strong', {}, event.title),
        event.outcome === null
          ? null
          : element(
              'span',
              { class: `tag ${event.outcome}` },
              `${OUTCOMES[event.outcome]}, ${signed(event.score)} points`,
            ),
        event.reason === null ? null : element('span', { class: 'muted' }, event.reason),
      ),
      event.from === null ? null : element('div', { class: 'small-print' }, event.from),
      event.because.length === 0 ? null : reasonList(event.because),
    ),
  )
}
