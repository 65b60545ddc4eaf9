import type { Server } from 'node:http'
import type { StartedAdapter } from '../../../src/testing/adapter-contract.ts'

/** Listens on a free loopback port; closing ends open connections, too. */
export async function listening(server: Server): Promise<StartedAdapter> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)))
        server.closeAllConnections()
      }),
  }
}
