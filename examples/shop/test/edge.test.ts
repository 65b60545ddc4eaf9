import { createServer, type IncomingHttpHeaders } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { withClock } from '../src/demo/clock.ts'
import { HOMES, type Place } from '../src/demo/places.ts'
import { edge } from '../src/edge/edge.ts'
import { type Listening, listen } from '../src/listen.ts'

let running: Listening[]
let seen: IncomingHttpHeaders[]
let url: string

beforeEach(async () => {
  running = []
  seen = []
  const behind = createServer((request, response) => {
    seen.push(request.headers)
    response.setHeader('set-cookie', ['a=1', 'b=2']).end('reached')
  })
  running.push(await listen(behind, 0))
  const gatewayPort = running[0]?.port ?? 0
  running.push(
    await listen(
      edge({ gatewayPort: () => gatewayPort, defaultPlace: oslo(), setClock: withClock }),
      0,
    ),
  )
  url = `http://127.0.0.1:${running[1]?.port}`
})

afterEach(async () => {
  await Promise.all(running.map((listening) => listening.close()))
})

function oslo(): Place {
  const [home] = HOMES
  if (home === undefined) throw new Error('no homes')
  return home.here
}

function travelTo(form: Readonly<Record<string, string>>): Promise<Response> {
  const body = new URLSearchParams(form)
  return fetch(`${url}/edge/place`, { method: 'POST', body, redirect: 'manual' })
}

test('says where the client is, whatever the client says of itself', async () => {
  const response = await fetch(url, {
    headers: {
      'x-forwarded-for': '98.116.10.17',
      forwarded: 'for=98.116.10.17',
      'x-forwarded-proto': 'https',
      'x-real-ip': '98.116.10.17',
    },
  })

  expect(await response.text()).toBe('reached')
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  expect(seen[0]?.['x-forwarded-for']).toBe(oslo().address)
  expect(seen[0]).not.toHaveProperty('forwarded')
  expect(seen[0]).not.toHaveProperty('x-forwarded-proto')
  expect(seen[0]).not.toHaveProperty('x-real-ip')
})

test('remembers where the client went, and sets its clock only when it comes along', async () => {
  const response = await travelTo({ place: 'new-york', clock: 'follow', next: '/basket' })
  const cookies = response.headers.getSetCookie().map((line) => line.split(';')[0])
  const facts = 'hf-client=s=800x600x1&z=Europe/Oslo&t=0'

  await fetch(url, { headers: { cookie: [...cookies, facts].join('; ') } })
  await fetch(url, { headers: { cookie: `edge_place=new-york; edge_clock=stay; ${facts}` } })

  expect([response.status, response.headers.get('location')]).toEqual([303, '/basket'])
  expect(seen.map((headers) => headers['x-forwarded-for'])).toEqual([
    '98.116.10.17',
    '98.116.10.17',
  ])
  expect(seen[0]?.cookie).toContain('z=America/New_York&t=0')
  expect(seen[1]?.cookie).toContain('z=Europe/Oslo&t=0')
})

test.each([
  [{ place: 'atlantis', next: '/' }, 400],
  [{ next: '/' }, 400],
  [{ place: 'oslo', next: `/${'a'.repeat(5000)}` }, 400],
])('refuses a journey to nowhere %#', async (form, status) => {
  expect((await travelTo(form)).status).toBe(status)
})

test.each(['//evil.example', 'https://evil.example', '/\\evil.example', ''])(
  'sends nobody to %j',
  async (next) => {
    expect((await travelTo({ place: 'oslo', next })).headers.get('location')).toBe('/')
  },
)

test('answers 502 when the gateway is not there', async () => {
  await running.shift()?.close()

  expect((await fetch(url)).status).toBe(502)
})
