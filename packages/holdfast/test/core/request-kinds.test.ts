import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { describeDevice } from '../../src/core/device.ts'
import type { RequestFacts } from '../../src/core/request.ts'
import { isPartial, mayOmitHints } from '../../src/core/request-kinds.ts'
import type { MeasuredKind, MeasuredKinds } from '../browser/request-kinds.ts'

const file = new URL('../../../../docs/measured/request-kinds.json', import.meta.url)
const { kinds } = JSON.parse(readFileSync(file, 'utf8')) as MeasuredKinds

const HINTS = ['sec-ch-ua', 'sec-ch-ua-mobile', 'sec-ch-ua-platform']
const NOT_OF_SOCKETS = ['sec-fetch-site', 'sec-fetch-mode', 'sec-fetch-dest']

function requestOf({ dest, socket }: MeasuredKind): Pick<RequestFacts, 'headers'> {
  return {
    headers: {
      ...(dest === null ? {} : { 'sec-fetch-dest': dest }),
      ...(socket ? { 'sec-websocket-version': '13' } : {}),
    },
  }
}

describe('as measured', () => {
  test.each(Object.entries(kinds))(
    '%s leaves out all hints or none, and nothing else',
    (_, kind) => {
      const left = kind.omits.filter((name) => !(kind.socket && NOT_OF_SOCKETS.includes(name)))

      expect([[], HINTS]).toContainEqual(left)
    },
  )

  test.each(Object.entries(kinds))('%s without hints is no news where it has none', (_, kind) => {
    const omits = kind.omits.includes('sec-ch-ua')

    expect(!omits || mayOmitHints(requestOf(kind))).toBe(true)
  })

  test('every destination that may lack hints was seen without them', () => {
    const seen = new Set(
      Object.values(kinds).flatMap(({ dest, omits }) => (omits.includes('sec-ch-ua') ? dest : [])),
    )

    const believed = Object.values(kinds).filter((kind) => mayOmitHints(requestOf(kind)))

    expect(new Set(believed.flatMap(({ dest }) => dest ?? []))).toEqual(
      new Set([...seen].filter((dest) => dest !== null)),
    )
  })

  test.each(['navigation', 'iframe', 'form', 'image', 'style', 'font', 'video', 'object'])(
    'hints are missed in a request of the kind %s',
    (name) => {
      const kind = kinds[name]
      if (kind === undefined) throw new Error(`${name} was not measured`)

      expect(mayOmitHints(requestOf(kind))).toBe(false)
    },
  )
})

describe('a request is partial', () => {
  const CHROME = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/150.0.0.0 Safari/537.36'
  const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) CriOS/150.0 Safari/604.1'
  const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'
  const partial = (agent: string, more: Readonly<Record<string, string | string[]>>) => {
    const headers = { 'user-agent': agent, ...more }
    const request = { ip: null, method: 'GET', url: '/', headers }
    return isPartial(request, describeDevice(request))
  }

  test.each([
    ['a fetch that may come from a worker', CHROME, { 'sec-fetch-dest': 'empty' }, true],
    ['a socket', CHROME, { 'sec-websocket-version': '13' }, true],
    [
      'a fetch with hints',
      CHROME,
      { 'sec-fetch-dest': 'empty', 'sec-ch-ua': '"Chromium";v="150"' },
      false,
    ],
    ['a navigation', CHROME, { 'sec-fetch-dest': 'document' }, false],
    ['a request that names no destination', CHROME, {}, false],
    ['one that names two', CHROME, { 'sec-fetch-dest': ['empty', 'empty'] }, false],
    ['a fetch of Firefox, which has no hints', FIREFOX, { 'sec-fetch-dest': 'empty' }, false],
    ['a fetch of Chrome on iOS, which has none', IPHONE, { 'sec-fetch-dest': 'empty' }, false],
  ] as const)('%s', (_title, agent, more, expected) => {
    expect(partial(agent, more as Readonly<Record<string, string>>)).toBe(expected)
  })
})
