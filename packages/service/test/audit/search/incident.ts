import { createSessions, newKeyring, type RequestFacts, type SubjectRef } from 'holdfast'
import { fakeHost } from 'holdfast/contracts'
import type { SessionEvent } from 'holdfast/maintenance'
import { memoryStore } from 'holdfast/memory'
import { lookup } from '../../../../holdfast/test/support/people.ts'
import type { LoggedEntry } from '../../../src/audit/entry.ts'
import { abroad, atHome } from '../../support.ts'

const MINUTE = 60_000
const START = Date.UTC(2026, 10, 28, 8)

/** When all of it is over. */
export const AFTERWARDS = START + 26 * 60 * MINUTE

/**
 * An incident, played on the engine: somebody abroad tries a list of passwords, gets into one
 * account by it, and shows a cookie of another one. Events as the log would have them.
 */
export async function incident(): Promise<readonly LoggedEntry[]> {
  const host = fakeHost({ start: START, seed: 'incident' })
  const entries: LoggedEntry[] = []
  let asking: { readonly subject: string; readonly request: RequestFacts } | null = null
  const store = memoryStore({ now: host.now })
  const sessions = createSessions({
    store,
    host,
    lookup,
    keyring: newKeyring(host),
    onEvent: (event) => entries.push(logged(entries.length, event, asking)),
  })

  async function login(subject: string, request: RequestFacts): Promise<string> {
    asking = { subject, request }
    const created = await sessions.create({ subject, request, amr: ['pwd'], factors: ['otp'] })
    if (!created.ok) throw new Error(`${subject} could not log in`)
    return created.token
  }

  async function show(subject: string, token: string, request: RequestFacts): Promise<void> {
    asking = { subject, request }
    await sessions.verify({ token, request })
  }

  async function fail(subject: string, request: RequestFacts): Promise<void> {
    asking = { subject, request }
    await sessions.report({ kind: 'login_failed', subject, request })
  }

  const ada = await login('ada', atHome())
  await login('kim', atHome({ ip: '192.0.2.77' }))
  host.advance(60 * MINUTE)
  for (const subject of ['kim', 'eve', 'bob']) {
    await fail(subject, abroad())
    host.advance(2 * MINUTE)
  }
  const bob = await login('bob', abroad())
  for (let call = 0; call < 3; call++) {
    host.advance(5 * MINUTE)
    await show('bob', bob, abroad({ url: '/payments' }))
  }
  host.advance(30 * MINUTE)
  await show('ada', ada, abroad({ ip: '203.0.113.67' }))
  host.advance(3 * MINUTE)
  await show('ada', ada, atHome())
  host.advance(10 * MINUTE)
  for (const subject of ['bob', 'ada'] as const) {
    asking = null
    const ref: SubjectRef = { subject }
    await sessions.revokeSubject(ref, { reason: 'stolen', actor: 'ops' })
  }
  return entries
}

function logged(
  index: number,
  event: SessionEvent,
  asking: { readonly subject: string; readonly request: RequestFacts } | null,
): LoggedEntry {
  const agent = asking?.request.headers['user-agent']
  return {
    index,
    partition: 0,
    sequence: index,
    event,
    personal:
      asking === null
        ? null
        : {
            subject: asking.subject,
            tenant: 'default',
            address: asking.request.ip,
            userAgent: typeof agent === 'string' ? agent : null,
          },
  }
}
