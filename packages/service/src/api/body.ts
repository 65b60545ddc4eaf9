import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { SessionError } from 'holdfast'

/**
 * Larger bodies are refused unread, where a call does not say otherwise. A caller that cuts nothing
 * off a URL and a header block of 64 KiB stays below.
 */
export const MAX_BODY_BYTES = 262_144

const MAX_DEPTH = 24
const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(?:;\s*charset="?utf-8"?\s*)?$/i
const JSON_TYPE = /^application\/(?:json|merge-patch\+json)\s*(?:;\s*charset="?utf-8"?\s*)?$/i

/**
 * The JSON of a request body: UTF-8 of bounded size and depth. Throws `body_too_large` or
 * `invalid_input`.
 */
export async function readJson(
  headers: Headers,
  incoming: IncomingMessage,
  maxBytes: number,
): Promise<unknown> {
  const type = headers.get('content-type') ?? ''
  if (!isJson(type)) {
    throw new SessionError('invalid_input', 'content-type must be application/json in UTF-8')
  }
  if (Number(headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes)
  const value = parseJson(await readBytes(incoming, maxBytes))
  checkShape(value)
  return value
}

export function isJson(type: string): boolean {
  return JSON_TYPE.test(type)
}

/** Of any depth, with any names: {@link checkShape} comes next, or something stricter. */
export function parseJson(bytes: Uint8Array): unknown {
  const text = textOf(bytes)
  try {
    return JSON.parse(text)
  } catch {
    throw new SessionError('invalid_input', 'body is not JSON')
  }
}

/** Whether a body is a form, as the standards of OAuth send them. */
export function isForm(headers: Headers): boolean {
  return FORM_TYPE.test(headers.get('content-type') ?? '')
}

/**
 * Some fields of a form. Others are passed over, as OAuth clients may send them (RFC 6749, section
 * 3.2); one that comes twice is refused. Throws as {@link readJson}.
 */
export async function readForm(
  headers: Headers,
  incoming: IncomingMessage,
  { names, maxBytes }: { readonly names: readonly string[]; readonly maxBytes: number },
): Promise<Readonly<Record<string, string>>> {
  if (Number(headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes)
  const form = new URLSearchParams(textOf(await readBytes(incoming, maxBytes)))
  const fields: Record<string, string> = {}
  for (const name of names) {
    const [value, ...more] = form.getAll(name)
    if (more.length > 0) throw new SessionError('invalid_input', `${name} is there twice`)
    if (value !== undefined) fields[name] = value
  }
  return fields
}

function readBytes(incoming: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  return new Promise((read, failed) => takeBytes(incoming, { maxBytes, read, failed }))
}

/**
 * From the socket itself: a web stream around it costs several times as much as all the rest of a
 * call. Exactly one of `read` and `failed` is called, once.
 */
export function takeBytes(
  incoming: IncomingMessage,
  {
    maxBytes,
    read,
    failed,
  }: {
    readonly maxBytes: number
    read(bytes: Uint8Array): void
    failed(error: SessionError): void
  },
): void {
  let chunks: Uint8Array[] = []
  let size = 0
  let over = false

  function broken(): void {
    if (over) return
    over = true
    failed(new SessionError('invalid_input', 'body ended before it was whole'))
  }
  function more(chunk: Uint8Array): void {
    size += chunk.length
    chunks.push(chunk)
    if (size <= maxBytes || over) return
    over = true
    chunks = []
    incoming.off('data', more).pause()
    failed(tooLarge(maxBytes))
  }
  function ended(): void {
    if (over) return
    over = true
    const [first] = chunks
    read(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, size))
    chunks = []
  }

  incoming.on('end', ended).on('close', broken).on('error', broken).on('data', more)
}

function textOf(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new SessionError('invalid_input', 'body is not UTF-8')
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}

/** Without recursion: depth is what it guards against. */
export function checkShape(root: unknown): void {
  let level: unknown[] = [root]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) {
      throw new SessionError('invalid_input', `body must not be nested deeper than ${MAX_DEPTH}`)
    }
    const next: unknown[] = []
    for (const value of level) {
      if (typeof value !== 'object' || value === null) continue
      if (Object.hasOwn(value, '__proto__')) {
        throw new SessionError('invalid_input', 'body must not have a key "__proto__"')
      }
      for (const one of Object.values(value)) next.push(one)
    }
    level = next
  }
}

function tooLarge(maxBytes: number): SessionError {
  return new SessionError('body_too_large', `The body must not be larger than ${maxBytes} bytes.`)
}
