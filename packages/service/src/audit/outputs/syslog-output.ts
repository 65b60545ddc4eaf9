import { connect as connectPlainly, type Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { SessionError } from 'holdfast'
import { isLoopbackHost } from 'holdfast/network'
import type { LoggedLine } from '../entry.ts'
import { type Attempt, type DeliveryOptions, delivery } from './delivery.ts'
import { type AuditOutput, type OutputDependencies, problemOf, timer } from './output.ts'
import type { Shipment } from './queue.ts'
import { type SyslogOrigin, syslogFrame } from './syslog-frame.ts'
import { type TlsFiles, tlsOptions } from './tls-files.ts'

export interface SyslogOutputOptions extends DeliveryOptions {
  readonly format: (entry: LoggedLine) => object
  readonly host: string
  readonly port: number
  /** Null: plain TCP, which goes to this machine alone. */
  readonly tls: TlsFiles | null
  readonly origin: SyslogOrigin
  /** For a connection, and for a batch to be taken by the operating system. */
  readonly timeoutMs: number
  /** How long a connection must go on before what went into it counts as delivered. */
  readonly settleMs?: number
}

const SETTLE_MS = 2_000
const KEEP_ALIVE_MS = 15_000
const HUNG_UP = 'the receiver hung up'

/**
 * Syslog over TLS (RFC 5425). Syslog has no answers: what a connection has taken counts as
 * delivered when it has gone on for a while, and goes out again if it breaks before. A receiver
 * that takes everything and keeps nothing, or a network that falls silent, can still lose some.
 */
export function syslogOutput(
  options: SyslogOutputOptions,
  dependencies: OutputDependencies,
): AuditOutput {
  const { host, port, tls, format, origin, timeoutMs, settleMs = SETTLE_MS } = options
  const { later = timer } = dependencies
  if (tls === null && !isLoopbackHost(host.includes(':') ? `[${host}]` : host)) {
    throw new SessionError('config_invalid', `${options.name}: plain syslog stays on this machine`)
  }
  let open: Socket | undefined

  /** Ends the attempt with a problem when it takes too long. */
  function within(
    signal: AbortSignal,
    socket: Socket,
    work: (done: () => void) => void,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (problem: string): void => void socket.destroy(new Error(problem))
      const cancel = later(timeoutMs, () => fail(`no answer within ${timeoutMs} ms`))
      const stop = (): void => fail('it is closed')
      const finish = (): void => {
        cancel()
        signal.removeEventListener('abort', stop)
        socket.off('close', onClose)
      }
      const onClose = (): void => {
        finish()
        reject(socket.errored ?? new Error(HUNG_UP))
      }
      signal.addEventListener('abort', stop, { once: true })
      socket.on('close', onClose)
      work(() => {
        finish()
        resolve()
      })
    })
  }

  async function connection(signal: AbortSignal): Promise<Socket> {
    if (open !== undefined && !open.destroyed) return open
    const socket =
      tls === null
        ? connectPlainly({ host, port })
        : connectSecurely({ host, port, ...tlsOptions(tls) })
    // Told by `close`; without a listener it would end the process.
    socket.on('error', () => {})
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    // What a receiver says is read and thrown away, so that its end is seen.
    socket.resume()
    await within(signal, socket, (done) =>
      socket.once(tls === null ? 'connect' : 'secureConnect', done),
    )
    socket.once('close', () => {
      if (open === socket) open = undefined
      output.broken(socket.errored ? problemOf(socket.errored) : HUNG_UP)
    })
    open = socket
    return socket
  }

  async function attempt(batch: readonly Shipment[], signal: AbortSignal): Promise<Attempt> {
    const socket = await connection(signal)
    const frames = batch.map(({ text }) => text).join('')
    await within(signal, socket, (done) =>
      socket.write(frames, (error) => {
        if (!error) done()
      }),
    )
    return { ok: true }
  }

  const carrier = {
    encode: (entry: LoggedLine) => syslogFrame(entry, format(entry), origin),
    attempt,
    settleMs,
    close: () => open?.destroySoon(),
  }
  const output = delivery(carrier, options, dependencies)
  return output
}
