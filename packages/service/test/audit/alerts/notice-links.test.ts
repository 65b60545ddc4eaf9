import type { Sessions } from 'holdfast'
import { connect } from 'holdfast/client'
import { fakeHost } from 'holdfast/contracts'
import { memoryStore } from 'holdfast/memory'
import { describe, expect, onTestFinished, test } from 'vitest'
import { noticeHandler } from '../../../src/audit/alerts/notices/notice-handler.ts'
import { type NoticeLinks, noticeLinks } from '../../../src/audit/alerts/notices/notice-links.ts'
import { atHome, KEYS, LOGIN, running } from '../../support.ts'
import { EVENT, SESSION, START } from './support.ts'

const DAY_MS = 86_400_000
const KEY = new Uint8Array(32).fill(1)
const OTHER_KEY = new Uint8Array(32).fill(2)
const URL_OF = 'https://auth.example/notice'
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

interface Visit {
  readonly links: NoticeLinks
  readonly reports: object[]
  readonly failures: unknown[]
  readonly host: ReturnType<typeof fakeHost>
  readonly token: (which: 'me' | 'notMe') => string
  open(path: string, init?: RequestInit): Promise<Response>
  press(token: string): Promise<Response>
  fail(how: 'once' | 'report' | undefined): void
}

/** The links of one notice, with the replay guard of a store behind them. */
function visit(keys: readonly Uint8Array[] = [KEY]): Visit {
  const host = fakeHost({ start: START })
  const store = memoryStore({ now: host.now })
  onTestFinished(() => store.close())
  const reports: object[] = []
  const failures: unknown[] = []
  let failing: 'once' | 'report' | undefined
  const links = noticeLinks({ keys, url: URL_OF, now: host.now })
  const handler = noticeHandler({
    links,
    sessions: {
      async report(report) {
        if (failing === 'report') throw new Error('the store is gone')
        reports.push(report)
      },
    },
    once: async (key, until) => {
      if (failing === 'once') throw new Error('the store is gone')
      return store.replays.once(key, until)
    },
    failed: (error) => failures.push(error),
  })
  const pair = links.links({ session: SESSION, event: EVENT, at: START })
  return {
    links,
    reports,
    failures,
    host,
    token: (which) => new URL(pair?.[which] ?? '').searchParams.get('t') ?? '',
    open: (path, init) => handler(new Request(new URL(path, URL_OF), init)),
    press: (token) =>
      handler(
        new Request(URL_OF, {
          method: 'POST',
          headers: FORM,
          body: new URLSearchParams({ t: token }),
        }),
      ),
    fail(how) {
      failing = how
    },
  }
}

describe('a link', () => {
  test('that a mail scanner opens does nothing, as often as it likes', async () => {
    const { open, press, reports, token } = visit()

    for (let at = 0; at < 20; at++) {
      const page = await open(`?t=${token('notMe')}`)
      expect(page.status).toBe(200)
      expect((await open(`?t=${token('notMe')}`, { method: 'HEAD' })).status).toBe(200)
    }
    expect(reports).toEqual([])

    expect((await press(token('notMe'))).status).toBe(200)
    expect(reports).toHaveLength(1)
  })

  test('asks by a form, and its page tells nobody of the token', async () => {
    const { open, token } = visit()

    const page = await open(`?t=${token('notMe')}`)
    const html = await page.text()

    expect(html).toContain('<form method="post" action="/notice">')
    expect(html).toContain(`name="t" value="${token('notMe')}"`)
    expect(page.headers.get('referrer-policy')).toBe('no-referrer')
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(page.headers.get('content-security-policy')?.split('; ')).toEqual([
      "default-src 'none'",
      expect.stringMatching(/^style-src 'sha256-[^']+'$/),
      "form-action 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ])
    expect(html).not.toMatch(/<script|<img|<a /)
  })

  test.each([
    ['notMe', 'not_me'],
    ['me', 'false_alarm'],
  ] as const)('pressed for "%s" reports %s, once', async (which, kind) => {
    const { press, reports, token } = visit()

    const first = await press(token(which))
    const second = await press(token(which))

    expect([first.status, second.status]).toEqual([200, 410])
    expect(await second.text()).toContain('Code: link_used')
    expect(reports).toEqual([{ kind, session: SESSION, correlation: EVENT }])
  })

  test('pressed many times at once acts once', async () => {
    const { press, reports, token } = visit()

    const answers = await Promise.all(Array.from({ length: 20 }, () => press(token('notMe'))))

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(reports).toHaveLength(1)
  })

  test('"it was me" does not use up "it was not me"', async () => {
    const { press, reports, token } = visit()

    await press(token('me'))
    const answer = await press(token('notMe'))

    expect(answer.status).toBe(200)
    expect(reports).toHaveLength(2)
  })

  test('lives for seven days', async () => {
    const { host, open, press, token } = visit()

    host.advance(7 * DAY_MS - 1)
    expect((await open(`?t=${token('me')}`)).status).toBe(200)
    host.advance(1)

    for (const answer of [await open(`?t=${token('me')}`), await press(token('me'))]) {
      expect(answer.status).toBe(410)
      expect(await answer.text()).toContain('Code: link_expired')
    }
  })

  test('changed in any letter, spelt otherwise, cut or made up is refused', async () => {
    const { press, reports, token } = visit()
    const good = token('me')
    const bad = [
      ...Array.from(
        good,
        (letter, at) => `${good.slice(0, at)}${letter === 'A' ? 'B' : 'A'}${good.slice(at + 1)}`,
      ),
      `${good}=`,
      `${good}A`,
      ` ${good}`,
      good.slice(0, -1),
      good.replaceAll('_', '/').replaceAll('-', '+').concat('=='),
      '',
      'A'.repeat(good.length),
      'A'.repeat(2_000),
    ]

    for (const one of bad) {
      const answer = await press(one)
      expect([one, answer.status]).toEqual([one, 400])
      expect(await answer.text()).toContain('Code: link_invalid')
    }
    expect(reports).toEqual([])
  })

  test('of an older key is believed while that key is known, one of another is not', async () => {
    const { token } = visit()
    const rotated = visit([OTHER_KEY, KEY])
    const foreign = visit([OTHER_KEY])

    expect((await rotated.press(token('me'))).status).toBe(200)
    expect((await foreign.press(token('me'))).status).toBe(400)
  })

  test('of an event without a session is none', () => {
    expect(visit().links.links({ session: null, event: EVENT, at: START })).toBeUndefined()
  })

  test('is not lost to a store that fails before it acts, or while it acts', async () => {
    const { failures, fail, press, reports, token } = visit()

    fail('once')
    const before = await press(token('notMe'))
    fail('report')
    const within = await press(retryOf(await before.text()))
    fail(undefined)
    const again = await press(retryOf(await within.text()))

    expect([before.status, within.status, again.status]).toEqual([503, 503, 200])
    expect(before.headers.get('retry-after')).toBe('5')
    expect(reports).toHaveLength(1)
    expect(failures).toHaveLength(2)
    expect(String(failures)).not.toContain(token('notMe'))
  })
})

test.each([
  ['DELETE', {}, undefined, 405, 'method_not_allowed'],
  ['POST', { 'content-type': 'application/json' }, '{"t":"x"}', 415, 'unsupported_media_type'],
  ['POST', {}, undefined, 415, 'unsupported_media_type'],
  ['POST', FORM, `t=${'x'.repeat(10_000)}`, 413, 'body_too_large'],
  ['POST', FORM, 'u=x', 400, 'link_invalid'],
] as const)('%s %j %s is refused with a code', async (method, headers, body, status, code) => {
  const { open, reports } = visit()

  const answer = await open('', {
    method,
    headers: { ...headers },
    ...(body === undefined ? {} : { body }),
  })

  expect(answer.status).toBe(status)
  expect(await answer.text()).toContain(`Code: ${code}`)
  expect(reports).toEqual([])
})

test('a token has the length of its parts, and keys that are short are refused', () => {
  expect(visit().token('me')).toHaveLength(118)
  expect(() => noticeLinks({ keys: [new Uint8Array(16)], url: URL_OF, now: () => 0 })).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  )
  expect(() => noticeLinks({ keys: [], url: URL_OF, now: () => 0 })).toThrow()
})

test('"it was not me" ends the very session, and "it was me" leaves it alone', async () => {
  const run = await running()
  const sessions: Pick<Sessions, 'report'> = connect({ url: run.service.url, key: KEYS.all })
  const store = memoryStore({ now: run.host.now })
  onTestFinished(() => store.close())
  const links = noticeLinks({ keys: [KEY], url: URL_OF, now: run.host.now })
  const { once } = store.replays
  const handler = noticeHandler({ links, sessions, once, failed: () => {} })
  const made = await run.call('POST', '/v1/sessions', { body: { ...LOGIN, request: atHome() } })
  const { session, token } = await made.json()
  const pair = links.links({ session: session.id, event: EVENT, at: run.host.now() })
  const pressed = async (link = ''): Promise<unknown> => {
    const body = new URL(link).searchParams
    await handler(new Request(URL_OF, { method: 'POST', headers: FORM, body }))
    const request = { token, request: atHome() }
    return (await run.call('POST', '/v1/verify', { body: request })).json()
  }

  const afterMe = await pressed(pair?.me)
  const afterNotMe = await pressed(pair?.notMe)

  expect(afterMe).toMatchObject({ ok: true })
  expect(afterNotMe).toMatchObject({ ok: false, code: 'session_unknown' })
  expect(run.log()).not.toContain(new URL(pair?.notMe ?? '').searchParams.get('t'))
})

function retryOf(html: string): string {
  return /name="t" value="([^"]+)"/.exec(html)?.[1] ?? ''
}
