import type { IncomingMessage } from 'node:http'

const LONGEST = 8192
const forms = new WeakMap<IncomingMessage, URLSearchParams>()

/** The fields of a form. Of a request without a form there are none. */
export async function readForm(request: IncomingMessage): Promise<unknown> {
  const type = request.headers['content-type'] ?? ''
  const isForm = type.startsWith('application/x-www-form-urlencoded')
  const form = new URLSearchParams(isForm ? await textOf(request) : '')
  forms.set(request, form)
  return Object.fromEntries(form)
}

/** Where the guards find the form token. */
export function formToken(request: IncomingMessage): string | undefined {
  return forms.get(request)?.get('_form') ?? undefined
}

/** The JSON of a body. A body that is none has no fields. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  try {
    return JSON.parse(await textOf(request))
  } catch {
    return {}
  }
}

/** A body of untold length, or of more than 8 KiB, is not read. */
async function textOf(request: IncomingMessage): Promise<string> {
  if (!(Number(request.headers['content-length']) <= LONGEST)) return ''
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
