import { describe, expect, test } from 'vitest'
import { parseClientFacts } from '../../src/adapters/guard/client-facts.ts'
import { attachTo, clientFacts, encodeFacts, keepFacts } from '../../src/browser/index.ts'
import { pageOf } from './page.ts'

describe('the facts of a page', () => {
  test('are what the browser says, in a form that the server reads', () => {
    const { page } = pageOf()

    const facts = clientFacts(page)

    expect(facts).toMatchObject({
      screen: '2560x1440x1.25',
      languages: ['nb-NO', 'en'],
      platform: 'Windows',
      touch: 0,
    })
    expect(facts.timezone).toBe(new Intl.DateTimeFormat().resolvedOptions().timeZone)
    expect(parseClientFacts(encodeFacts(facts))).toEqual(facts)
  })

  test('leave out what the browser does not tell', () => {
    const { page } = pageOf({ screen: { width: 0, height: 0 }, navigator: {} })

    expect(Object.keys(clientFacts(page))).toEqual(['timezone'])
  })

  test('cannot break out of the cookie, whatever a browser calls itself', () => {
    const text = encodeFacts({ platform: 'a; Domain=evil.example\r\n"x"', touch: 1e9 })

    expect(text).toBe('p=a+Domain+evil.example+x+&t=255')
    expect(parseClientFacts(text)).toBeDefined()
  })
})

describe('the readable cookie', () => {
  test('is written once, for https or a trustworthy host only, and not for other sites', () => {
    const { page, written } = pageOf()

    keepFacts(page)
    keepFacts(page)

    expect(written).toHaveLength(1)
    const [pair = '', ...attributes] = written[0]?.split('; ') ?? []
    expect(pair).toMatch(/^hf-client=s=2560x1440x1\.25&z=[^;]+&l=nb-NO\.en&p=Windows&t=0$/)
    expect(attributes).toEqual(['Path=/', 'Max-Age=31536000', 'SameSite=Lax', 'Secure'])
  })

  test('follows the device when it changes', () => {
    const { page, written, change, fire } = pageOf()
    keepFacts(page)

    change({ screen: { width: 1920, height: 1080 } })
    fire('resize')
    fire('focus')

    expect(written).toHaveLength(2)
    expect(written[1]).toContain('s=1920x1080x1.25')
  })
})

test.each([
  'http://localhost:3000',
  'http://shop.localhost',
  'http://127.0.0.1',
  'http://[::1]:80',
])('a browser that keeps no Secure cookies at %s gets a plain one, and keeps it', (origin) => {
  const { page, written } = pageOf({}, { origin, keepsSecure: false })

  keepFacts(page)
  keepFacts(page)

  expect(written).toHaveLength(2)
  expect(written[1]).toMatch(/^hf-client=\S+; Path=\/; Max-Age=31536000; SameSite=Lax$/)
})

test.each([
  'http://shop.example',
  'https://localhost:3000',
  'http://localhost.evil.example',
  'http://evil-localhost.example:80',
])('a browser that keeps no cookie at %s gets none without Secure', (origin) => {
  const { page, written } = pageOf({}, { origin, keepsSecure: false })

  keepFacts(page)

  expect(written).toHaveLength(1)
  expect(written[0]).toMatch(/; Secure$/)
})

test('a login form sends the facts as they are at that moment', () => {
  const { page, change } = pageOf()
  let submit: ((event: { formData: FormData }) => void) | undefined
  attachTo(
    {
      addEventListener(type, listener) {
        if (type === 'formdata') submit = listener
      },
    },
    page,
  )
  const formData = new FormData()

  change({ screen: { width: 390, height: 844 } })
  submit?.({ formData })

  expect(formData.get('hf-client')).toBe(encodeFacts(clientFacts(page)))
  expect(formData.get('hf-client')).toContain('s=390x844x1.25')
})
