import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { createGunzip } from 'node:zlib'
import { SessionError } from 'holdfast'
import { openMmdb } from 'holdfast/network'
import { geoFileProblem } from './role.ts'

/** Why a file could not be had: what the server or the network did, or what was in it. */
export type DownloadProblem = 'not_found' | 'unreachable' | 'too_large' | 'damaged'

export type Download =
  | {
      readonly ok: true
      /** Of the unpacked file. */
      readonly bytes: number
      readonly sha256: string
      /** As the file names itself, and when its maker built it (ms since the epoch). */
      readonly type: string
      readonly builtAt: number
    }
  | { readonly ok: false; readonly problem: DownloadProblem; readonly message: string }

export interface DownloadOptions {
  readonly url: string
  /** What the file must tell. */
  readonly role: 'city' | 'asn'
  /** Where the unpacked file goes. */
  readonly path: string
  readonly fetch: typeof globalThis.fetch
  /** Most bytes of the unpacked file; a server must not be able to fill a disk. */
  readonly maxBytes: number
  /** Longest time for the whole of it, ms. */
  readonly timeoutMs: number
  readonly onBytes: (received: number) => void
}

/**
 * Fetches one gzipped MMDB file, unpacks it within its bounds, flushes it to the disk and opens it.
 * Failures of the network or the server are values; a disk that cannot be written throws
 * `config_invalid`.
 */
export async function download(options: DownloadOptions): Promise<Download> {
  const { url, path, maxBytes, timeoutMs } = options
  const stop = AbortSignal.timeout(timeoutMs)
  const response = await ask(options, stop)
  if (!response.ok) return response
  const hash = createHash('sha256')
  const received = counter(maxBytes, options.onBytes)
  const unpacked = counter(maxBytes, () => {}, hash)
  try {
    await pipeline(
      Readable.fromWeb(response.body),
      received.stream,
      createGunzip(),
      unpacked.stream,
      createWriteStream(path, { flags: 'wx', mode: 0o644 }),
      { signal: stop },
    )
  } catch (error) {
    if (received.exceeded() || unpacked.exceeded()) {
      return refused('too_large', `${url} is larger than ${maxBytes} bytes`)
    }
    if (isDiskError(error)) {
      throw new SessionError('config_invalid', `${path} cannot be written: ${reasonOf(error)}`, {
        cause: error,
      })
    }
    return isZlibError(error)
      ? refused('damaged', `${url} is not a whole gzip file`)
      : refused('unreachable', `${url} broke off: ${reasonOf(error)}`)
  }
  await flush(path)
  const content = await readFile(path)
  const wrong = geoFileProblem(content, options.role)
  if (wrong !== undefined) return refused('damaged', `${url} ${wrong}`)
  const opened = openMmdb(content)
  return {
    ok: true,
    bytes: unpacked.count(),
    sha256: hash.digest('hex'),
    type: opened.type,
    builtAt: opened.builtAt,
  }
}

type Refusal = Extract<Download, { ok: false }>

const MAX_REDIRECTS = 5

/** Follows redirects itself, so that each address is checked before it is asked. */
async function ask(
  { url, fetch }: DownloadOptions,
  signal: AbortSignal,
): Promise<Refusal | { readonly ok: true; readonly body: WebStream<Uint8Array> }> {
  let address = url
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    let response: Response
    try {
      response = await fetch(address, { signal, redirect: 'manual' })
    } catch (error) {
      return refused('unreachable', `${address} cannot be reached: ${reasonOf(error)}`)
    }
    const { status, body, headers } = response
    if (status === 200 && body !== null) return { ok: true, body: body as WebStream<Uint8Array> }
    await body?.cancel()
    const location = headers.get('location')
    if (status === 404) return refused('not_found', `${address} does not exist`)
    if (status < 300 || status > 399 || location === null || !URL.canParse(location, address)) {
      return refused('unreachable', `${address} answered ${status}`)
    }
    address = new URL(location, address).href
    if (!isAllowedUrl(address)) {
      return refused('unreachable', `${url} leads to an address that is not https`)
    }
  }
  return refused('unreachable', `${url} leads round in circles`)
}

/** Https, or this machine: data that decides about sessions must not be changed on its way. */
export function isAllowedUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  const here = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
  return protocol === 'https:' || (protocol === 'http:' && here)
}

function counter(
  most: number,
  onBytes: (count: number) => void,
  hash?: { update(chunk: Uint8Array): unknown },
): { readonly stream: Transform; count(): number; exceeded(): boolean } {
  let count = 0
  const stream = new Transform({
    transform(chunk: Uint8Array, _, done) {
      count += chunk.length
      if (count > most) return done(new RangeError('too large'))
      hash?.update(chunk)
      onBytes(count)
      done(null, chunk)
    },
  })
  return { stream, count: () => count, exceeded: () => count > most }
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

function refused(problem: DownloadProblem, message: string): Refusal {
  return { ok: false, problem, message }
}

function isDiskError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}

function isZlibError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code.startsWith('Z_')
}

/** `fetch` hides what happened in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  if (error.name === 'TimeoutError') return 'it took too long'
  return error.cause instanceof Error ? error.cause.message : error.message
}
