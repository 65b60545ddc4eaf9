/**
 * As `fetch`, where `signal` ends the body, too. Node 20 and 22 forget the signal of a request at
 * the first garbage collection after the head of its answer (nodejs/node#55428): a body that stays
 * away would be waited for as long as its connection stands.
 */
export async function fetchUntil(
  fetcher: typeof fetch,
  input: string | URL,
  init: RequestInit & { readonly signal: AbortSignal },
): Promise<Response> {
  const response = await fetcher(input, init)
  if (response.body === null) return response
  const { signal } = init
  return new Response(response.body.pipeThrough(new TransformStream(), { signal }), response)
}
