import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** What the application behind a gateway got. */
export interface Got {
  readonly method: string
  readonly url: string
  /** Of each header all lines, by its name in lower case. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  readonly body: string
}

/**
 * An application that answers with what it got, as the query says: `status`, `cache`, and `cookie`
 * lines. With `hold` it answers when it is released.
 */
export async function echoApp(): Promise<{
  readonly address: string
  /** Every request that has come so far. */
  readonly seen: readonly Got[]
  /** Lets every answer go that is held. */
  release(): void
  close(): Promise<void>
}> {
  const seen: Got[] = []
  let held: (() => void)[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const got = gotOf(request, Buffer.concat(chunks).toString())
      seen.push(got)
      const query = new URLSearchParams(got.url.split('?')[1] ?? '')
      const cache = query.get('cache')
      const answer = (): void => {
        response.writeHead(
          Number(query.get('status') ?? 200),
          [
            ['content-type', 'application/json'],
            ...(cache === null ? [] : [['cache-control', cache]]),
            ...query.getAll('cookie').map((cookie) => ['set-cookie', cookie]),
          ].flat(),
        )
        response.end(JSON.stringify(got))
      }
      if (query.has('hold')) held.push(answer)
      else answer()
    })
  })
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    seen.push(gotOf(request, ''))
    // RFC 6455, section 4.2.2: gateways look whether it is a WebSocket that answers.
    const accepted = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64')
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n' +
        `sec-websocket-accept: ${accepted}\r\n\r\n`,
    )
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    address: `127.0.0.1:${port}`,
    seen,
    release() {
      const answers = held
      held = []
      for (const answer of answers) answer()
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function gotOf(request: IncomingMessage, body: string): Got {
  const headers: Record<string, string[]> = {}
  const { rawHeaders } = request
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? ''
    headers[name] = [...(headers[name] ?? []), rawHeaders[at + 1] ?? '']
  }
  return { method: request.method ?? '', url: request.url ?? '', headers, body }
}
