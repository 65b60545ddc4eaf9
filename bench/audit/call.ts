import { API_KEY } from '../http/server.ts'

/** What the answers of these calls have in common. */
export interface Answer {
  readonly ok?: boolean
  readonly code?: string
  readonly token?: string
  readonly session?: { readonly id: string }
  readonly items?: readonly { readonly session: string | null }[]
  readonly next?: string
}

/** Asks a service. Without a body it is a GET. Throws where the service itself fails. */
export async function call(url: string, path: string, body?: object): Promise<Answer> {
  const authorization = `Bearer ${API_KEY}`
  const answer = await fetch(`${url}${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    headers: {
      authorization,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
  })
  const text = await answer.text()
  if (answer.status >= 500) throw new Error(`${path} was answered ${answer.status}: ${text}`)
  return text === '' ? {} : JSON.parse(text)
}
