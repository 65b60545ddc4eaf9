import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Running } from '../support.ts'

export type Where = { readonly host: string; readonly port: number } | { readonly path: string }

/** The twelve bytes that begin version 2 of the PROXY protocol. */
export const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

/** A request that nobody without a key is answered, and after which the connection ends. */
export const ASKS = 'GET /v1/events HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'

/** A PROXY header of version 1. */
export function line(rest: string): Buffer {
  return Buffer.from(`PROXY ${rest}\r\n`)
}

/** A PROXY header of version 2: addresses and extensions as bytes. */
export function binary(
  command: number,
  family: number,
  block: Buffer,
  length = block.length,
): Buffer {
  return Buffer.concat([
    SIGNATURE,
    Buffer.from([command, family, length >> 8, length & 255]),
    block,
  ])
}

export function portOf(url: string): { readonly host: string; readonly port: number } {
  return { host: '127.0.0.1', port: Number(new URL(url).port) }
}

export async function connected(where: Where): Promise<Socket> {
  const socket = 'path' in where ? connect(where.path) : connect(where)
  socket.setNoDelay(true)
  socket.on('error', () => {})
  onTestFinished(() => void socket.destroy())
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
  return socket
}

/** Everything that comes back for these packets, until the connection ends. */
export async function ask(
  run: Running,
  packets: readonly (string | Buffer)[],
  where: Where = portOf(run.service.url),
): Promise<string> {
  const socket = await connected(where)
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  for (const packet of packets) {
    socket.write(packet)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await closed
  return Buffer.concat(chunks).toString('latin1')
}

/** Where the requests came from, as the log has it. */
export function addressesIn(run: Running): unknown[] {
  return run
    .log()
    .split('\n')
    .filter((text) => text.includes('"request_id"'))
    .map((text) => JSON.parse(text).address)
}
