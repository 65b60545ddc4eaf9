import type { GatewayRoute } from 'holdfast/gateway'
import { parseDuration } from 'holdfast/wire'

/** The operator's options for a route, or which of them is wrong. */
export type Options =
  | { readonly ok: true; readonly route: GatewayRoute }
  | { readonly ok: false; readonly detail: string }

/** Reads options, and remembers the last ones, because an operator uses only a few. */
export type ReadOptions = (text: string) => Options

const MAX_TEXT = 512
const MAX_REMEMBERED = 256

const NAMES = ['audience', 'sensitivity', 'acr', 'fresh', 'activity', 'optional', 'rotate']

/**
 * Reads `audience=orders&sensitivity=sensitive&acr=aal2&fresh=5m&activity=passive&optional=yes`
 * and `&rotate=yes`. Each may come once; `-` or an empty text stands for none.
 */
export function optionsReader(audiences: readonly string[]): ReadOptions {
  const known = new Map<string, Options>()
  return (text) => {
    const before = known.get(text)
    if (before !== undefined) return before
    const options = read(text, audiences)
    if (known.size >= MAX_REMEMBERED) known.clear()
    known.set(text, options)
    return options
  }
}

function read(text: string, audiences: readonly string[]): Options {
  if (text === '' || text === '-') return { ok: true, route: {} }
  if (text.length > MAX_TEXT) return wrong('The options are too long.')
  const query = new URLSearchParams(text)
  for (const name of query.keys()) {
    if (!NAMES.includes(name)) return wrong(`Options are ${NAMES.join(', ')}.`)
    if (query.getAll(name).length > 1) return wrong(`${name} comes twice.`)
  }
  const audience = query.get('audience')
  const sensitivity = query.get('sensitivity')
  const acr = query.get('acr')
  const fresh = query.get('fresh')
  const maxAge = fresh === null ? undefined : parseDuration(fresh)
  const activity = query.get('activity')

  if (audience !== null && !audiences.includes(audience)) {
    return wrong('audience must be one of the setting "audiences".')
  }
  if (sensitivity !== null && sensitivity !== 'normal' && sensitivity !== 'sensitive') {
    return wrong('sensitivity must be normal or sensitive.')
  }
  if (activity !== null && activity !== 'active' && activity !== 'passive') {
    return wrong('activity must be active or passive.')
  }
  if (acr !== null && (acr === '' || acr.length > 64))
    return wrong('acr must be 1 to 64 characters.')
  if (fresh !== null && maxAge === undefined) return wrong('fresh must be a duration, as 5m.')
  for (const name of ['optional', 'rotate']) {
    if (!['yes', 'no', null].includes(query.get(name))) return wrong(`${name} must be yes or no.`)
  }
  return {
    ok: true,
    route: {
      ...(audience === null ? {} : { audience }),
      ...(sensitivity === null ? {} : { sensitivity }),
      ...(acr === null ? {} : { acr }),
      ...(maxAge === undefined ? {} : { maxAge }),
      ...(activity === null ? {} : { activity }),
      ...(query.get('optional') === 'yes' ? { optional: true } : {}),
      ...(query.get('rotate') === 'yes' ? { rotate: true } : {}),
    },
  }
}

function wrong(detail: string): Options {
  return { ok: false, detail }
}
