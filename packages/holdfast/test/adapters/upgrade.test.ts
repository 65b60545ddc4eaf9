import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { accessGuard } from '../../src/adapters/node.ts'
import type { TokenFacts } from '../../src/tokens/index.ts'
import { listening } from '../contracts/apps/listening.ts'
import { CLAIMS, ED, ours, revocationsAt, tokenBy } from '../support/access-tokens.ts'

interface Connection {
  readonly socket: Socket
  /** Everything that came, once the server has closed. */
  readonly closed: Promise<string>
  /** The first bytes that come. */
  readonly first: Promise<string>
}

/** A service that echoes what comes after the upgrade. */
async function service(): Promise<{
  upgrade(token: string | undefined): Promise<Connection>
  revoke(): void
  readonly open: () => number
}> {
  let listener: ((matches: (token: TokenFacts) => boolean) => void) | undefined
  const access = ours({
    revocations: {
      ...revocationsAt({ state: 'fresh', revoked: [] }),
      onRevoked(matching) {
        listener = matching
        return () => {}
      },
    },
  })
  let open = 0
  const requireUpgrade = accessGuard(access).requireAccessToUpgrade()
  const server = createServer()
  server.on('upgrade', async (request, socket) => {
    const claims = await requireUpgrade(request, socket)
    if (claims === undefined) return
    const release = access.hold(claims, () => void socket.destroy())
    open++
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      release()
      open--
    })
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n\r\n${claims.sub}`)
  })
  const { origin, close } = await listening(server)
  onTestFinished(close)
  const { port } = new URL(origin)

  return {
    open: () => open,
    revoke: () => listener?.(({ sid }) => sid === CLAIMS.sid),
    async upgrade(token) {
      const socket = connect(Number(port), '127.0.0.1')
      onTestFinished(() => void socket.destroy())
      let all = ''
      const closed = new Promise<string>((resolve) => {
        socket.on('error', () => {})
        socket.on('data', (chunk) => {
          all += chunk
        })
        socket.on('close', () => resolve(all))
      })
      const first = new Promise<string>((resolve) =>
        socket.once('data', (chunk) => resolve(String(chunk))),
      )
      const line = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`
      socket.write(
        `GET /socket HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: ` +
          `websocket\r\n${line}\r\n`,
      )
      return { socket, closed, first }
    },
  }
}

test('a connection is opened by a token, and closed when its session is revoked', async () => {
  const { upgrade, revoke, open } = await service()

  const { first, closed } = await upgrade(tokenBy(ED))
  expect(await first).toMatch(/^HTTP\/1.1 101 [\s\S]*ada$/)
  expect(open()).toBe(1)
  revoke()
  await closed
  expect(open()).toBe(0)
})

test('without a good token an upgrade is refused whole, and the connection closed', async () => {
  const { upgrade } = await service()

  for (const [token, code] of [
    [undefined, 'token_missing'],
    [tokenBy(ED, { claims: { aud: 'billing' } }), 'access_token_invalid'],
  ] as const) {
    const { closed } = await upgrade(token)
    const [head = '', body = ''] = (await closed).split('\r\n\r\n')
    expect(head).toMatch(/^HTTP\/1.1 401 Unauthorized\r\n/)
    expect(head).toMatch(/\r\nwww-authenticate: Bearer/)
    expect(head).toMatch(/\r\ncache-control: no-store/)
    expect(JSON.parse(body)).toMatchObject({ status: 401, code })
    expect(head).toContain(`content-length: ${body.length}`)
  }
})

test('a client that resets while it is verified ends its own socket alone', async () => {
  let proceed = (): void => {}
  const keysFound = new Promise<void>((resolve) => {
    proceed = resolve
  })
  const access = ours({ keys: { find: async () => void (await keysFound) } })
  const requireUpgrade = accessGuard(access).requireAccessToUpgrade()
  const server = createServer()
  const verified = new Promise<unknown>((resolve) => {
    server.on('upgrade', (request, socket) => {
      socket.on('close', () => proceed())
      resolve(requireUpgrade(request, socket))
      client.resetAndDestroy()
    })
  })
  const { origin, close } = await listening(server)
  onTestFinished(close)
  const client = connect(Number(new URL(origin).port), '127.0.0.1')
  client.on('error', () => {})
  client.write(
    `GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nAuthorization: ` +
      `Bearer ${tokenBy(ED)}\r\n\r\n`,
  )

  expect(await verified).toBeUndefined()
})
