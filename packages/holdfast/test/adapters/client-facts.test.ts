import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clientFactsReader, parseClientFacts } from '../../src/adapters/guard/client-facts.ts'
import { encodeFacts, FACTS_NAME } from '../../src/browser/index.ts'
import { CLIENT_FACTS_NAME } from '../../src/carriers/names.ts'
import { LOOKED_AT } from '../../src/core/request.ts'

test('reads what the browser module writes', () => {
  const facts = {
    screen: '2560x1440x1.25',
    timezone: 'America/Argentina/Buenos_Aires',
    languages: ['nb-NO', 'en'],
    platform: 'Linux x86_64',
    touch: 10,
  }

  expect(parseClientFacts(encodeFacts(facts))).toEqual(facts)
})

test('the page and the server call the cookie by the same name', () => {
  expect(FACTS_NAME).toBe(CLIENT_FACTS_NAME)
})

test.each([
  [''],
  ['s'],
  ['=1'],
  ['s='],
  ['s=1920x1080x1&'],
  ['s=0x1080x1'],
  ['s=1920x1080x1;z=UTC'],
  ['s=1920x1080x1&s=1920x1080x1'],
  ['z=../../etc/passwd'],
  ['z=%45urope/Oslo'],
  [`l=${Array.from({ length: 17 }, () => 'en').join('.')}`],
  ['l=en..nb'],
  ['p=<b>'],
  ['t=-1'],
  ['t=1e3'],
  ['x=1'],
  ['__proto__=1'],
  [`p=${'a'.repeat(65)}`],
])('%j is no set of facts', (text) => {
  expect(parseClientFacts(text)).toBeUndefined()
})

test('no cookie makes it throw or grow beyond the limits', () => {
  const clientFactsOf = clientFactsReader()
  const piece = fc.oneof(
    fc.constantFrom('hf-client=', 's=', '&', 'z=', 'l=', 'p=', 't=', '1x1x1', 'en', '.', '; '),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const facts = clientFactsOf({ header: () => pieces.join('') })
      if (facts === undefined) return
      expect(facts.languages?.length ?? 0).toBeLessThanOrEqual(LOOKED_AT.languages)
      for (const value of [facts.screen, facts.timezone, facts.platform]) {
        expect(value?.length ?? 0).toBeLessThanOrEqual(LOOKED_AT.clientFact)
      }
    }),
  )
})

test('facts that are remembered do not replace newer ones', () => {
  const clientFactsOf = clientFactsReader()
  const cookies = ['hf-client=s=1920x1080x1', 'hf-client=s=1366x768x1', 'hf-client=s=1920x1080x1']

  const screens = cookies.map((cookie) => clientFactsOf({ header: () => cookie })?.screen)

  expect(screens).toEqual(['1920x1080x1', '1366x768x1', '1920x1080x1'])
})
