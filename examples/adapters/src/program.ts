import type { Server } from 'node:http'
import { pathToFileURL } from 'node:url'

/** Loopback alone: session cookies travel over HTTPS, or to one's own machine. */
export const HOST = '127.0.0.1'

/** An example that listens. */
export interface Started {
  readonly url: string
  close(): Promise<void>
}

/** @param port 0 takes any free one. */
export async function listen(server: Server, port: number): Promise<Started> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, HOST, resolve)
  })
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: `http://${HOST}:${bound}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)))
        server.closeAllConnections()
      }),
  }
}

/**
 * Starts the example whose file Node was given, on `PORT` (4800); does nothing where it is
 * imported.
 */
export async function runAsProgram(
  moduleUrl: string,
  start: (port: number) => Promise<Started>,
): Promise<void> {
  if (moduleUrl !== pathToFileURL(process.argv[1] ?? '').href) return
  const started = await start(Number(process.env.PORT ?? 4800))
  process.stdout.write(`Listening at ${started.url}\n`)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void started.close())
  }
}
