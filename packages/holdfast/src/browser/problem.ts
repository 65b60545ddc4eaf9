/** What a page reads of a refusal (RFC 9457). */
export interface Problem {
  readonly code?: string
  readonly acr_values?: string
  readonly max_age?: number
  readonly sensitivity?: string
}

/** What a 401 says; undefined for every other answer. The body stays readable. */
export async function problemOf(answer: Response): Promise<Problem | undefined> {
  const type = answer.headers.get('content-type') ?? ''
  if (answer.status !== 401 || !type.startsWith('application/problem+json')) return undefined
  const problem: Problem | null = await answer
    .clone()
    .json()
    .catch(() => null) // the body was cut off, so there is nothing to read
  return problem ?? undefined
}
