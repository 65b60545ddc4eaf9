import { FORM_TOKEN_FIELD } from '../carriers/names.ts'
import { isSetCookie, setCookiesBeside } from './guard/cookies.ts'
import type { FormField } from './guard/held-form.ts'
import {
  type HeaderPair,
  type HttpFacts,
  parsedField,
  parsedFields,
  type WholeAnswer,
} from './guard/http-request.ts'

/** The facts of a web `Request` (Fetch standard). */
export function fetchFacts(
  request: Request,
  {
    peer,
    encrypted,
    ...body
  }: Pick<HttpFacts, 'peer' | 'formToken' | 'formFields'> & { readonly encrypted?: boolean },
): HttpFacts {
  const { headers, url } = request
  return {
    ...body,
    method: request.method,
    url,
    peer,
    encrypted: encrypted ?? url.startsWith('https:'),
    deliverable: !headers.has('upgrade'),
    // A request that came through no socket has no Host header; its address says the same.
    header: (name) =>
      name === ':authority' ? new URL(url).host : (headers.get(name) ?? undefined),
  }
}

/** The facts of a request's head, for the guard of access tokens. */
export function fetchHeadFacts(request: Request): HttpFacts {
  return fetchFacts(request, { peer: undefined })
}

/**
 * Puts the guard's headers on an answer. A cookie that the handler has set itself is the newer one
 * and stays.
 */
export function withHeaders(response: Response, headers: readonly HeaderPair[]): Response {
  // No copy can be made of an answer below 200: it is a WebSocket that the runtime has taken over.
  if (headers.length === 0 || response.status < 200) return response
  const answer = new Response(response.body, response)
  const cookies = setCookiesBeside(answer.headers.getSetCookie(), headers)
  for (const header of headers) if (!isSetCookie(header)) answer.headers.set(...header)
  for (const cookie of cookies) answer.headers.append('set-cookie', cookie)
  return answer
}

/** A whole answer as a web `Response`. */
export function answerResponse({ status, headers, body }: WholeAnswer): Response {
  return withHeaders(new Response(body === '' ? null : body, { status }), headers)
}

/** A form as a runtime or a framework has parsed it. */
export type ParsedForm = FormData | Readonly<Record<string, unknown>>

/** The form token's field of a form. A repeated field counts as none. */
export function formTokenOf(parse: () => Promise<ParsedForm>): Promise<string | undefined> {
  return ofForm(parse, (form) => {
    if (!(form instanceof FormData)) return parsedField(form)
    const [value, another] = form.getAll(FORM_TOKEN_FIELD)
    return typeof value === 'string' && another === undefined ? value : undefined
  })
}

/** All fields of a form; undefined for a form that holds files. */
export function formFieldsOf(
  parse: () => Promise<ParsedForm>,
): Promise<readonly FormField[] | undefined> {
  return ofForm(parse, (form) => {
    if (!(form instanceof FormData)) return parsedFields(form)
    const fields = [...form].filter(
      (field): field is [string, string] => typeof field[1] === 'string',
    )
    return fields.length === [...form].length ? fields : undefined
  })
}

const MAX_FORM_BYTES = 65_536

/** Whether a body may be read into memory for a form: it says how long it is, and is short. */
export function isShortForm(headers: Headers): boolean {
  const length = headers.get('content-length')
  return length !== null && Number(length) <= MAX_FORM_BYTES
}

/** Parses a body and reads it; undefined for a body that is not what its content type says. */
async function ofForm<Result>(
  parse: () => Promise<ParsedForm>,
  read: (form: ParsedForm) => Result | undefined,
): Promise<Result | undefined> {
  try {
    return read(await parse())
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}
