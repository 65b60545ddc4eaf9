import { deepEqual, equal, notEqual } from 'node:assert/strict'

const COOKIE = '__Host-session'
const AT_HOME = '203.0.113.7'
const ABROAD = '198.51.100.20'
const SIX_MINUTES = 360_000

/**
 * What every project has to do, from outside: logs in, guards a route, rotates the secret, steps up
 * and logs out. Throws what is not as it should be.
 */
export async function journey(origin, advance) {
  const ada = person(origin)
  deepEqual(await ada.asks('GET', '/account'), { status: 401, code: 'token_missing' })
  const wrong = await ada.asks('POST', '/login', { name: 'ada', password: 'byron' })
  equal(wrong.status, 401)
  deepEqual(await ada.asks('POST', '/login', { name: 'ada', password: 'lovelace' }), {
    status: 200,
    user: 'ada',
  })
  deepEqual(await ada.asks('GET', '/account'), { status: 200, user: 'ada' })
  deepEqual(await ada.asks('POST', '/orders', {}), { status: 201, buyer: 'ada' })
  const foreign = await ada.asks('POST', '/orders', {}, { 'sec-fetch-site': 'cross-site' })
  deepEqual(foreign, { status: 403, code: 'cross_site_request' })

  const first = ada.cookie()
  await advance(SIX_MINUTES)
  deepEqual(await ada.asks('GET', '/account'), { status: 200, user: 'ada' })
  const second = ada.cookie()
  notEqual(second, first, 'the secret has not rotated')
  deepEqual(await ada.asks('GET', '/account'), { status: 200, user: 'ada' })

  ada.travels(ABROAD)
  const asked = await ada.asks('POST', '/orders', {})
  deepEqual(asked, { status: 401, code: 'step_up_required' })
  const { status, challenge, factors } = await ada.asks('POST', '/step-up/begin', {})
  deepEqual({ status, factors }, { status: 200, factors: ['otp'] })
  const guess = await ada.asks('POST', '/step-up/complete', { challenge, code: '000000' })
  equal(guess.status, 401)
  deepEqual(await ada.asks('POST', '/step-up/complete', { challenge, code: '428571' }), {
    status: 200,
    user: 'ada',
  })
  deepEqual(await ada.asks('POST', '/orders', {}), { status: 201, buyer: 'ada' })
  const stale = await person(origin, { address: ABROAD, cookie: second }).asks('GET', '/account')
  equal(stale.status, 401, 'a secret from before the step-up still works')

  const last = ada.cookie()
  deepEqual(await ada.asks('POST', '/logout', {}), { status: 204 })
  equal(ada.cookie(), undefined)
  const copy = await person(origin, { address: ABROAD, cookie: last }).asks('GET', '/account')
  deepEqual(copy, { status: 401, code: 'session_unknown' })
}

/** Scripts of one browser: they keep one cookie and come from one address. */
function person(origin, { address = AT_HOME, cookie } = {}) {
  return {
    cookie: () => cookie,
    travels(to) {
      address = to
    },
    /** The answer's status, and the names of its body that tell what happened. */
    async asks(method, path, body, headers = {}) {
      const answer = await fetch(`${origin}${path}`, {
        method,
        headers: {
          'user-agent': AGENT,
          accept: 'application/json',
          'accept-language': 'en-GB,en;q=0.9',
          'sec-fetch-site': 'same-origin',
          'x-forwarded-for': address,
          ...(cookie === undefined ? {} : { cookie: `${COOKIE}=${cookie}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const [, set] = answer.headers.getSetCookie().map(pairOf).findLast(isSession) ?? []
      if (set !== undefined) cookie = set === '' ? undefined : set
      return { status: answer.status, ...told(await answer.text()) }
    },
  }
}

const AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
  'Chrome/141.0.0.0 Safari/537.36'

function pairOf(line) {
  const pair = line.split(';', 1)[0]
  return [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
}

function isSession([name]) {
  return name === COOKIE
}

/** Problem documents say more, and not every framework gives a refusal of ours a body. */
function told(text) {
  const body = text.startsWith('{') ? JSON.parse(text) : {}
  const { code, user, buyer, challenge, factors } = body
  return JSON.parse(JSON.stringify({ code, user, buyer, challenge, factors }))
}
