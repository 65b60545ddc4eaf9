import { describe, expect, onTestFinished, test } from 'vitest'
import { systemHost } from '../../src/codecs/system-host.ts'
import { NAVIGATION, OWNER, THIEF } from '../../src/contracts/adapters/adapter-answers.ts'
import { engineHarness } from '../../src/contracts/adapters/adapter-harness.ts'
import type { RawAnswer } from '../../src/contracts/adapters/raw-http.ts'
import { type Visitor, visitor } from '../../src/contracts/adapters/visitor.ts'
import type { SessionId } from '../../src/core/ids.ts'
import {
  type FormStore,
  heldFormMarkup,
  heldForms,
  memoryForms,
} from '../../src/step-up/held-forms.ts'
import { STARTERS } from '../contracts/apps/index.ts'

const FORM = 'application/x-www-form-urlencoded'

type Start = (typeof STARTERS)[number][1]

/** A session of ada's, and the same cookies in another browser, where it has to step up. */
async function scene(start: Start, store?: FormStore) {
  const harness = await engineHarness()
  const warned: string[] = []
  const forms = heldForms({
    store: store ?? memoryForms({ now: harness.now }),
    host: { ...systemHost(), now: harness.now },
    onWarning: (text) => void warned.push(text),
  })
  const app = await start(
    harness.sessions,
    { stepUpPage: '/step-up', heldForms: forms },
    async () => {},
  )
  onTestFinished(async () => {
    await app.close()
    await harness.close()
  })
  const home = visitor(app.origin, { headers: OWNER })
  await home.post('/login', { subject: 'ada', factors: ['otp'] })
  await home.send('/me')
  const away = home.stolenBy(THIEF)
  const session = home.cookie('__Host-session')?.split('.')[1] ?? ''
  return { harness, forms, home, away, session, warned }
}

function submit(to: Visitor, body: string, headers = {}): Promise<RawAnswer> {
  const type = { 'content-type': FORM }
  return to.send('/transfer?to=bob', {
    method: 'POST',
    headers: { ...type, ...NAVIGATION, ...headers },
    body,
  })
}

function locationOf(answer: RawAnswer): URL {
  return new URL(answer.header('location') ?? '', 'http://localhost')
}

function cookiesOf(who: Visitor): string {
  return `__Host-held-forms=${who.cookie('__Host-held-forms')}`
}

describe.each(STARTERS)('a form on %s that a step-up interrupts', (_name, start) => {
  test('is held whole, form token and all, and taken once', async () => {
    const { forms, away, session } = await scene(start)

    const answer = await submit(away, 'to=bob&amount=10&note=a%0D%0Ab+%3C%26%3E&to=eve&_form=t')
    const location = locationOf(answer)
    const id = location.searchParams.get('form') ?? ''
    const from = { session, cookies: cookiesOf(away) }

    expect(answer.status).toBe(303)
    expect(location.pathname).toBe('/step-up')
    expect(location.search).not.toContain('amount')
    const form = await forms.take(id, from)
    expect(form?.action).toBe('/transfer?to=bob')
    const fields = new URLSearchParams(form?.fields.map((field) => [...field]))
    expect(fields.getAll('to')).toEqual(['bob', 'eve'])
    expect(Object.fromEntries(fields)).toMatchObject({
      amount: '10',
      note: 'a\r\nb <&>',
      _form: 't',
    })
    expect(await forms.take(id, from)).toBeUndefined()
  })

  test('that scripts send, or that is too large, goes the way it always went', async () => {
    const { away } = await scene(start)

    const script = await submit(away, 'a=b', {
      'sec-fetch-mode': 'cors',
      'sec-fetch-dest': 'empty',
    })
    const large = await submit(away, `a=${'x'.repeat(40_000)}`)

    expect(script.status).toBe(401)
    expect([large.status, locationOf(large).searchParams.has('form')]).toEqual([303, false])
    expect(away.cookie('__Host-held-forms')).toBeUndefined()
  })
})

const [[, express] = []] = STARTERS

test.each<[string, () => Promise<never>]>([
  ['fails', () => Promise.reject(new Error('the cache is away'))],
  ['never answers', () => new Promise(() => {})],
])('a store of held forms that %s keeps nobody from the step-up page', async (_, put) => {
  if (express === undefined) throw new Error('there are no adapters')
  const { away, warned } = await scene(express, { ...memoryForms(), put })

  const answer = await submit(away, 'a=b')

  expect([answer.status, locationOf(answer).pathname]).toEqual([303, '/step-up'])
  expect(locationOf(answer).searchParams.has('form')).toBe(false)
  expect(warned).toEqual([expect.stringContaining('was not held')])
})

test('a held form opens for nobody but the browser and the session that it came from', async () => {
  if (express === undefined) throw new Error('there are no adapters')
  const { forms, away, session } = await scene(express)
  const held = async (): Promise<string> =>
    locationOf(await submit(away, 'a=b')).searchParams.get('form') ?? ''
  const cookies = cookiesOf(away).replace('undefined', '')
  const other = `__Host-held-forms=${'A'.repeat(43)}`
  const take = async (from: { session: SessionId; cookies: string | undefined }) =>
    forms.take(await held(), from)

  expect(await take({ session, cookies: other })).toBeUndefined()
  expect(await take({ session, cookies: undefined })).toBeUndefined()
  expect(await take({ session, cookies: `${cookiesOf(away)}; ${other}` })).toBeUndefined()
  expect(
    await take({ session: `${session.slice(0, -1)}x`, cookies: cookiesOf(away) }),
  ).toBeUndefined()
  expect(await take({ session, cookies })).toBeUndefined()
  expect(await forms.take('../../etc', { session, cookies: cookiesOf(away) })).toBeUndefined()
  expect(await take({ session, cookies: cookiesOf(away) })).toMatchObject({ fields: [['a', 'b']] })
})

test('a held form is gone after ten minutes, and the oldest of more than a thousand', async () => {
  if (express === undefined) throw new Error('there are no adapters')
  const { forms, harness, session } = await scene(express)
  const hold = () => forms.hold({ action: '/', fields: [] }, { session, cookies: undefined })
  const first = await hold()
  for (let i = 0; i < 1_000; i++) await hold()
  const last = await hold()
  const cookiesOf = (held: Awaited<ReturnType<typeof hold>>) => held?.setCookie.split(';')[0]

  expect(await forms.take(first?.id ?? '', { session, cookies: cookiesOf(first) })).toBeUndefined()
  harness.advance(10 * 60_000)
  expect(await forms.take(last?.id ?? '', { session, cookies: cookiesOf(last) })).toBeUndefined()
})

test('two who take one form at once get it once', async () => {
  const forms = heldForms({ store: memoryForms() })
  const held = await forms.hold({ action: '/', fields: [] }, { session: 's', cookies: undefined })
  const from = { session: 's', cookies: held?.setCookie.split(';')[0] }

  const taken = await Promise.all([1, 2, 3].map(() => forms.take(held?.id ?? '', from)))

  expect(taken.filter((form) => form !== undefined)).toHaveLength(1)
})

test('what is in a held form stays text in the page', () => {
  const fields = [['"><script>', '\'"&</form>']] as const

  expect(heldFormMarkup({ action: '/a?"&b', fields }, 'Go <on>')).toBe(
    '<form method="post" action="/a?&quot;&amp;b" data-holdfast-held>' +
      '<input type="hidden" name="&quot;&gt;&lt;script&gt;" ' +
      'value="&#39;&quot;&amp;&lt;/form&gt;"><button>Go &lt;on&gt;</button></form>',
  )
})

test('forms cannot be held for a step-up page that does not exist', () => {
  if (express === undefined) throw new Error('there are no adapters')
  const start = async () =>
    express(
      (await engineHarness()).sessions,
      { heldForms: heldForms({ store: memoryForms() }) },
      async () => {},
    )

  return expect(start()).rejects.toMatchObject({ code: 'config_invalid' })
})
