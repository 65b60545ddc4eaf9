import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server that listens on the loopback address. */
export interface Listening {
  readonly origin: string
  close(): Promise<void>
}

/** Listens on a free loopback port; closing ends open connections, too. */
export async function listening(server: Server): Promise<Listening> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    origin: originOf(server.address()),
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)))
        server.closeAllConnections()
      }),
  }
}

/** The origin of a server that listens on a port of the loopback address. */
export function originOf(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return `http://127.0.0.1:${address.port}`
}
