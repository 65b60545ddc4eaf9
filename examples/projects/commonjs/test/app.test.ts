import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SessionError } from 'holdfast'
import { app } from '../src/app'

const PAGE = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' }

test('a session begins with a login, is asked for, and ends with a logout', async () => {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const send = (method: string, path: string, cookie = '', body?: unknown) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { ...PAGE, cookie },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })

  const login = await send('POST', '/login', '', { name: 'ada', password: 'lovelace' })
  const cookie = login.headers.getSetCookie()[0]?.split(';')[0]
  const account = await send('GET', '/account', cookie)
  const nobody = await send('GET', '/account')
  const logout = await send('POST', '/logout', cookie)
  const later = await send('GET', '/account', cookie)
  server.close()

  expect(await account.json()).toEqual({ user: 'ada' })
  expect([nobody.status, logout.status, later.status]).toEqual([401, 204, 401])
})

test('an error of the library is an error of its class', () => {
  expect(new SessionError('store_unavailable', 'gone')).toBeInstanceOf(SessionError)
})
