import {
  type Attributes,
  type Created,
  createSessions,
  type Decision,
  newKeyring,
  type Refreshed,
  SessionError,
  type SessionEvent,
  type Sessions,
  type SessionView,
  type Verification,
} from 'holdfast'
import type { EventOf } from 'holdfast/maintenance'
import { memoryStore } from 'holdfast/memory'

const sessions: Sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })

const request = { ip: '203.0.113.7', method: 'GET', url: '/', headers: {} }

/** A login answers a token only when it succeeded. */
export async function login(): Promise<string> {
  const created: Created = await sessions.create({ subject: 'ada', request })
  // @ts-expect-error A refused login has no token.
  created.token
  if (!created.ok) {
    const code: 'session_limit_reached' | 'login_superseded' = created.code
    return code
  }
  const view: SessionView = created.session
  return `${view.id} ${created.token}`
}

/** A verification is narrowed by `ok`; a refusal has no session. */
export async function verify(token: string): Promise<Decision | undefined> {
  const verification: Verification = await sessions.verify({ token, request })
  // @ts-expect-error A session is there only after `ok` was looked at.
  verification.session
  if (!verification.ok) {
    // @ts-expect-error A fault is thrown, never answered.
    verification.code === 'store_unavailable'
    return verification.decision
  }
  // @ts-expect-error What an application sees cannot be changed in place.
  verification.session.subject = 'bob'
  const attributes: Attributes = verification.session.attributes
  return attributes.theme === 'dark' ? undefined : verification.decision
}

type Granted = Extract<Refreshed, { readonly ok: true }>

/** A refresh is narrowed by `ok`; its answer may bring nothing new. */
export async function refresh(token: string): Promise<Granted['status'] | undefined> {
  const refreshed: Refreshed = await sessions.refresh({ token, request })
  if (!refreshed.ok) return undefined
  // @ts-expect-error A client that has a newer one already is sent none.
  const successor: string = refreshed.refreshToken
  return successor === '' ? undefined : refreshed.status
}

/** Outcomes are a closed union: a switch over them needs no default. */
export function severity({ outcome }: Decision): number {
  switch (outcome) {
    case 'allow':
      return 0
    case 'observe':
      return 1
    case 'challenge':
    case 'limit':
      return 2
    case 'deny':
    case 'revoke':
      return 3
  }
}

/** Faults are matched by their code. */
export function isOutage(error: unknown): boolean {
  // @ts-expect-error An expected outcome is never thrown.
  if (error instanceof SessionError && error.code === 'session_expired') return false
  return error instanceof SessionError && error.code === 'store_unavailable'
}

/** What is heard is told apart by its type, and has what its type has. */
createSessions({
  store: memoryStore(),
  keyring: newKeyring(),
  onEvent(event) {
    // @ts-expect-error Not every event is about a session.
    event.session.length
    if (event.type === 'session-expired') {
      const session: string = event.session
      const reason: 'absolute_timeout' | 'idle_timeout' = event.reason
      console.log(session, reason)
    }
    if (event.type === 'login-failed') {
      const reason: null = event.reason
      console.log(reason)
    }
  },
})

/** Who does not care takes any event. */
createSessions({
  store: memoryStore(),
  keyring: newKeyring(),
  onEvent: (event: SessionEvent) => console.log(event.reason),
})

// @ts-expect-error A login is refused for one of two reasons.
export const refused: EventOf<'login-refused'>['reason'] = 'rain'

// @ts-expect-error The request facts are needed to judge anything.
void sessions.verify({ token: '' })
// @ts-expect-error A subject is a string of the application.
void sessions.create({ subject: 7, request })
// @ts-expect-error Reports are of known kinds.
void sessions.report({ kind: 'rumour', subject: 'ada' })
// @ts-expect-error Without a key ring nothing can be sealed.
createSessions({ store: memoryStore() })
