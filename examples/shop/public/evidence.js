import { element } from './dom.js'

/** Thresholds of the policy `balanced`, in decibans, and the end of the scale. */
const OBSERVE = 12
const CHALLENGE = 24
const SCALE = 60

/** A bar from 0 to 60 points (decibans) in the colours of the answers. */
export function gauge(points) {
  const level = levelOf(points)
  const fill = element('span', { class: 'fill' })
  fill.style.width = `${Math.min(100, (Math.max(0, points) / SCALE) * 100)}%`
  return element(
    'div',
    { class: `gauge ${level}` },
    element(
      'div',
      { class: 'track', role: 'img', 'aria-label': `What speaks against it: ${points} points` },
      fill,
    ),
    element(
      'div',
      { class: 'scale' },
      element('strong', {}, `${points} points`),
      element('span', {}, `watched from ${OBSERVE}, asked from ${CHALLENGE}`),
    ),
  )
}

/**
 * Reasons with their weights: what speaks against the visitor and what speaks for them. `note`: why
 * they do not sum to the gauge.
 */
export function reasonList(because, note = null) {
  if (because.length === 0)
    return element('p', { class: 'small-print' }, 'Nothing speaks against it.')
  return element(
    'ul',
    { class: 'reasons' },
    ...because.map(({ weight, text }) =>
      element(
        'li',
        {},
        element('span', { class: `weight ${side(weight)}` }, signed(weight)),
        element('span', {}, text),
      ),
    ),
    note === null ? null : element('li', { class: 'sum' }, note),
  )
}

export function signed(weight) {
  return weight > 0 ? `+${weight}` : String(weight).replace('-', '−')
}

function side(weight) {
  if (weight > 0) return 'against'
  return weight < 0 ? 'for' : ''
}

function levelOf(points) {
  if (points >= CHALLENGE) return 'challenge'
  return points >= OBSERVE ? 'observe' : 'allow'
}
