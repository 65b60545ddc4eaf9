import { clock, element } from './dom.js'

const TONES = { critical: 'bad', high: 'bad', medium: 'warn', low: 'plain' }

const live = document.querySelector('[data-live]')
const alertsPlace = document.querySelector('[data-alerts]')
const mailsPlace = document.querySelector('[data-mails]')
const { inbox: customer } = document.querySelector('[data-inbox]').dataset
const shown = new Set()

const stream = new EventSource(`/inbox/stream/${encodeURIComponent(customer)}`)
stream.addEventListener('open', () => say('on', 'Live'))
stream.addEventListener('error', () => {
  if (stream.readyState === EventSource.CLOSED) say('off', 'Not connected: reload to go on')
  else say('', 'Connecting')
})
stream.addEventListener('inbox', ({ data }) => {
  const { alerts, mails } = JSON.parse(data)
  show(alertsPlace, alerts, alertCard)
  show(mailsPlace, mails, mailCard)
})

function say(state, text) {
  live.className = `live ${state}`
  live.textContent = text
}

/** Newest first. A message stays as it is while others come. */
function show(place, items, card) {
  for (const item of items) {
    if (shown.has(item.id)) continue
    shown.add(item.id)
    place.prepend(card(item))
  }
}

function alertCard({ at, severity, title, text }) {
  return element(
    'li',
    { class: 'card', 'data-alert': severity },
    head(at, element('span', { class: `tag ${TONES[severity] ?? 'plain'}` }, severity)),
    element('h3', {}, title),
    element('p', {}, text),
  )
}

function mailCard({ at, subject, text, links }) {
  return element(
    'li',
    { class: 'card', 'data-mail': true },
    head(at, element('span', { class: 'tag' }, 'mail')),
    element('h3', {}, subject),
    ...parts(text, links).slice(1),
  )
}

function head(at, tag) {
  return element(
    'p',
    { class: 'actions' },
    tag,
    element('time', { class: 'muted', datetime: new Date(at).toISOString() }, clock(at)),
  )
}

/** The mail's text as it is; what comes before one of its two links becomes a button. */
function parts(text, links) {
  return text
    .trim()
    .split('\n\n')
    .map((part) => {
      const at = part.lastIndexOf('\n')
      const href = part.slice(at + 1)
      if (links === null || (href !== links.me && href !== links.notMe))
        return element('p', { class: 'plain-text' }, part)
      const look = href === links.me ? 'button quiet' : 'button danger'
      const label = part.slice(0, at).replace(/:$/, '')
      const to = { class: look, href, target: '_blank', rel: 'noopener noreferrer' }
      return element('p', {}, element('a', to, label))
    })
}
