import { randomBytes } from 'node:crypto'
import { createSessions, newKeyring, type Sessions, type SessionView } from 'holdfast'
import { type FetchOptions, holdfast, ownPath, type RouteRequirements } from 'holdfast/fetch'
import { memoryStore } from 'holdfast/memory'
import { cookies, headers } from 'next/headers'
import { redirect } from 'next/navigation'

// Next bundles the proxy, the route handlers and the pages each by themselves: what they share in
// one process has to be global. With `lmdbStore()` or `redisStore()`, `parseKeyring()` of a file
// and a secret from the environment each of them may have an engine of its own.
const shared: typeof globalThis & { shop?: { sessions: Sessions; secret: string } } = globalThis
shared.shop ??= {
  sessions: createSessions({ store: memoryStore(), keyring: newKeyring() }),
  secret: randomBytes(32).toString('base64'),
}
const { sessions, secret } = shared.shop

const options: FetchOptions = {
  loginPage: '/login',
  stepUpPage: '/step-up',
  // Next does not tell its handlers who has connected. The reverse proxy on this machine writes the
  // client's address into `x-forwarded-for`, and nobody else can reach Next.
  peer: () => '127.0.0.1',
  address: { trust: { proxies: ['127.0.0.0/8'] } },
  onBehalf: { secret },
}

/** For the proxy and route handlers, whose answers can bring a cookie. */
export const hf = holdfast(sessions, options)

/** For server components and actions: a secret that they rotated would be shown before it left. */
const reading = holdfast(sessions, { ...options, deliverable: false })

/** The request of a server component, or of an action with the fields of its form. */
export async function asked(form?: FormData): Promise<Request> {
  const given = new Headers(await headers())
  const token = form?.get('_form')
  if (typeof token === 'string') given.set('x-form-token', token)
  const method = form === undefined ? 'GET' : 'POST'
  return new Request(`http://${given.get('host')}/`, { method, headers: given })
}

/** Asks a backend of this application for the person whose page is rendered. */
export async function askBackend(path: string): Promise<Response> {
  const request = await asked()
  return fetch(`http://127.0.0.1:${process.env.PORT ?? 3000}/api${path}`, {
    headers: {
      cookie: request.headers.get('cookie') ?? '',
      ...(await hf.forwardedFacts(request)),
    },
    cache: 'no-store',
  })
}

/** The session of a server component or action. A refusal leads to the page that helps. */
export async function sessionOf(
  back: string,
  requirements: RouteRequirements & { readonly form?: FormData } = {},
): Promise<SessionView> {
  const { form, ...route } = requirements
  let session: SessionView | undefined
  const guarded = reading.requireSession(route)((_, verified) => {
    session = verified.session
    return new Response()
  })
  const answer = await guarded(await asked(form))
  if (session !== undefined) return session
  const { code } = await answer.json()
  return refuse(code, back)
}

/** Leads to the page that helps. */
export function refuse(code: string, back: string): never {
  const query = new URLSearchParams({ return: ownPath(back) })
  if (code === 'step_up_required' || code === 'session_limited') redirect(`/step-up?${query}`)
  if (/^(token|session)_/.test(code)) redirect(`/login?${query}`)
  throw new Error(`The request was refused: ${code}`)
}

/** Puts the cookies of a login, a step-up or a logout on the answer of an action. */
export async function deliver(answer: Response): Promise<void> {
  const jar = await cookies()
  for (const line of answer.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    const [, age] = /; Max-Age=(\d+)/.exec(line) ?? []
    jar.set(name, value, {
      path: '/',
      // A browser that keeps no such cookie on localhost gets another one there.
      secure: line.includes('; Secure'),
      httpOnly: true,
      sameSite: 'lax',
      ...(age === undefined ? {} : { maxAge: Number(age) }),
    })
  }
}
