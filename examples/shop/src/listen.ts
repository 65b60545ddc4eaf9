import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * Everything of the example listens here and nowhere else: its edge believes whatever place it is
 * told.
 */
export const LOOPBACK = '127.0.0.1'

export interface Listening {
  readonly port: number
  close(): Promise<void>
}

/** @param port 0 takes any free one. */
export async function listen(server: Server, port: number): Promise<Listening> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, LOOPBACK, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()))
        server.closeAllConnections()
      }),
  }
}
