import { FORM_TOKEN_FIELD } from '../carriers/names.ts'
import { withSetCookie } from './guard/cookies.ts'
import type { FormField } from './guard/held-form.ts'
import type { HeaderPair, HttpFacts, WholeAnswer } from './guard/http-request.ts'
import { parsedField, parsedFields } from './guard/http-request.ts'
import type { Refused } from './guard/refusals.ts'

/** The facts of a web `Request` (Fetch standard). */
export function fetchFacts(
  request: Request,
  {
    peer,
    encrypted,
    formToken,
    formFields,
  }: {
    readonly peer: string | undefined
    readonly encrypted?: boolean
    readonly formToken: HttpFacts['formToken']
    readonly formFields?: HttpFacts['formFields']
  },
): HttpFacts {
  const { headers, url } = request
  return {
    method: request.method,
    url,
    peer,
    encrypted: encrypted ?? url.startsWith('https:'),
    // Requests that no socket has seen have no Host header; the address says the same.
    header: (name) =>
      name === ':authority' ? new URL(url).host : (headers.get(name) ?? undefined),
    ...(formToken === undefined ? {} : { formToken }),
    ...(formFields === undefined ? {} : { formFields }),
  }
}

/** Puts the guard's headers on an answer. A cookie that the handler has set itself is the newer one and stays. */
export function withHeaders(response: Response, headers: readonly HeaderPair[]): Response {
  if (headers.length === 0) return response
  const answer = new Response(response.body, response)
  const cookies = answer.headers.getSetCookie()
  for (const [name, value] of headers) {
    if (name !== 'set-cookie') answer.headers.set(name, value)
    else if (withSetCookie(cookies, value).length > cookies.length) {
      answer.headers.append(name, value)
    }
  }
  return answer
}

/** A refusal as a web `Response`. */
export function refusalResponse({ refusal }: Refused): Response {
  return answerResponse(refusal)
}

/** A whole answer as a web `Response`. */
export function answerResponse({ status, headers, body }: WholeAnswer): Response {
  return withHeaders(new Response(body === '' ? null : body, { status }), headers)
}

/** Runs a body parser; a body that is not what its type says holds no token. */
export async function ofParsed(
  parse: () => Promise<FormData | Readonly<Record<string, unknown>>>,
): Promise<string | undefined> {
  try {
    return formField(await parse())
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

/** All fields of a form; undefined for one that holds files, or whose body is not what its type says. */
export async function fieldsOf(
  parse: () => Promise<FormData | Readonly<Record<string, unknown>>>,
): Promise<readonly FormField[] | undefined> {
  try {
    const form = await parse()
    if (!(form instanceof FormData)) return parsedFields(form)
    const fields = [...form].filter(
      (field): field is [string, string] => typeof field[1] === 'string',
    )
    return fields.length === [...form].length ? fields : undefined
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

/** The form token's field of a parsed form; a repeated field is none. */
function formField(form: FormData | Readonly<Record<string, unknown>>): string | undefined {
  if (!(form instanceof FormData)) return parsedField(form)
  const [value, another] = form.getAll(FORM_TOKEN_FIELD)
  return typeof value === 'string' && another === undefined ? value : undefined
}
