import { createServer, type OutgoingHttpHeader, type OutgoingHttpHeaders } from 'node:http'
import { afterAll, expect, test } from 'vitest'
import { setAnswerHeaders } from '../../src/adapters/node-http.ts'
import { rawRequest } from '../../src/testing/raw-http.ts'
import { listening } from '../contracts/apps/listening.ts'

const TOKEN = '__Host-session=new; Path=/'
const THEME = 'theme=dark'

const closing: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const close of closing) await close()
})

/** What leaves when a handler hands these headers to `writeHead`. */
async function sent(given: OutgoingHttpHeaders | OutgoingHttpHeader[], late: boolean) {
  let leaving = false
  const { origin, close } = await listening(
    createServer((_, response) => {
      setAnswerHeaders(response, () =>
        late && leaving
          ? [['cache-control', 'no-store']]
          : [
              ['cache-control', 'no-store'],
              ['set-cookie', TOKEN],
            ],
      )
      leaving = true
      response.writeHead(200, 'Fine', given).end()
    }),
  )
  closing.push(close)
  return rawRequest(origin)
}

test.each<[string, OutgoingHttpHeaders | OutgoingHttpHeader[]]>([
  ['an object', { 'Cache-Control': 'public', 'Set-Cookie': [THEME, TOKEN] }],
  [
    'names and values by turns',
    ['Cache-Control', 'public', 'Set-Cookie', THEME, 'set-cookie', TOKEN],
  ],
])('headers that a handler hands to writeHead as %s are held to the token’s', async (_, given) => {
  const inTime = await sent(given, false)
  const late = await sent(given, true)

  expect(inTime.setCookies).toEqual([THEME, TOKEN])
  expect(inTime.header('cache-control')).toBe('no-store')
  expect(late.setCookies).toEqual([THEME])
  expect(late.header('cache-control')).toBe('public')
})
