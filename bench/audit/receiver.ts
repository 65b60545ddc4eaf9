import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An alert, as a receiver of webhooks got it. */
export interface Heard {
  readonly id: string
  readonly change: string
  readonly session: string | null
  /** When its request came, by the clock of this process. */
  readonly at: number
}

export interface Receiver {
  readonly url: string
  readonly heard: readonly Heard[]
  close(): void
}

export async function receiver(): Promise<Receiver> {
  const heard: Heard[] = []
  const server = createServer((request, response) => {
    const at = performance.now()
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      response.end()
      heard.push({ ...JSON.parse(Buffer.concat(chunks).toString()).data, at })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    heard,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
