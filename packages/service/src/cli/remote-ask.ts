import { SessionError } from 'holdfast'
import { fetchUntil } from 'holdfast/cli'
import { z } from 'zod'
import type { Remote } from './remote.ts'

/** What a call takes; undefined is left out. */
export type Query = Readonly<Record<string, string | undefined>>

export interface Question {
  readonly query?: Query
  /** Sent as JSON, by POST. */
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
  /** Ten seconds unless given. */
  readonly signal?: AbortSignal
}

const TIMEOUT_MS = 10_000

/** Asks a call of the API that the client of the library does not have. Throws coded faults. */
export async function askService(
  { url, key }: Remote,
  path: string,
  { query = {}, body, headers = {}, signal = AbortSignal.timeout(TIMEOUT_MS) }: Question = {},
): Promise<Response> {
  const target = new URL(`${url}${path}`)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) target.searchParams.set(name, value)
  }
  const sent =
    body === undefined
      ? { headers: {} }
      : {
          method: 'POST',
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        }
  let response: Response
  try {
    response = await fetchUntil(fetch, target, {
      ...sent,
      redirect: 'error',
      signal,
      headers: {
        authorization: `Bearer ${key}`,
        accept: 'application/json',
        ...sent.headers,
        ...headers,
      },
    })
  } catch (cause) {
    throw new SessionError(
      'store_unavailable',
      `The service at ${target.origin} cannot be reached.`,
      { cause },
    )
  }
  if (response.ok) return response
  const problemBody = problem.safeParse(await response.json().catch(() => undefined))
  const detail = problemBody.success ? problemBody.data.detail : `It answered ${response.status}.`
  throw new SessionError(codeOf(response.status), detail)
}

function codeOf(status: number): 'store_unavailable' | 'not_found' | 'invalid_input' {
  if (status === 503) return 'store_unavailable'
  return status === 404 ? 'not_found' : 'invalid_input'
}

const problem = z.object({ detail: z.string() })
