import { describe, expect, test } from 'vitest'
import { guard } from '../../src/adapters/guard/guard.ts'
import type { HttpFacts } from '../../src/adapters/guard/http-request.ts'
import { SESSION_COOKIE } from '../../src/carriers/names.ts'
import { heldForms, memoryForms } from '../../src/step-up/held-forms.ts'
import { codeOf, type Harness, harness, inMemory } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

/**
 * What a client writes into a form or an address has any length and any type: parsers make lists of
 * repeated fields, and objects of brackets. All of it is a wrong answer, and never a fault of the
 * application.
 */
const WRITTEN: readonly (readonly [title: string, value: unknown])[] = [
  ['empty', ''],
  ['of another kind', 'hf1.x'],
  ['longer than any challenge', `hc1.${'x'.repeat(3_000)}`],
  ['longer than any bound', 'x'.repeat(100_000)],
  ['a list', ['hc1.x', 'hc1.x']],
  ['an object', { toString: 'hc1.x' }],
  ['missing', undefined],
  ['null', null],
]

async function scene(): Promise<{
  readonly h: Harness
  readonly token: string
  readonly hf: ReturnType<typeof guard>
  readonly facts: HttpFacts
}> {
  const h = await harness(inMemory)
  const token = await h.login()
  const headers: Readonly<Record<string, string>> = {
    ...(atHome().headers as Record<string, string>),
    cookie: `${SESSION_COOKIE}=${token}`,
    'sec-fetch-site': 'same-origin',
  }
  const facts: HttpFacts = {
    method: 'POST',
    url: '/',
    peer: atHome().ip ?? '',
    encrypted: true,
    header: (name) => headers[name],
  }
  return { h, token, hf: guard(h.sessions, { now: h.host.now }), facts }
}

describe('a challenge that is made up', () => {
  test.each(WRITTEN)('%s: it completes nothing', async (_, value) => {
    const { h, token, hf, facts } = await scene()
    const challenge = value as string

    const answer = await hf.completeStepUp(facts, { challenge, subject: 'ada' })
    const engine = { challenge, token, request: atHome(), subject: 'ada' }

    expect(answer).toMatchObject({ ok: false, code: 'challenge_invalid' })
    expect(codeOf(await h.sessions.completeStepUp(engine))).toBe('challenge_invalid')
  })

  test.each(WRITTEN)('%s: no failure is reported with it', async (_, value) => {
    const { h, hf, facts } = await scene()
    const before = h.events.length

    const answer = await hf.stepUpFailed(facts, value as string)

    expect(answer).toMatchObject({ ok: false, code: 'challenge_invalid' })
    expect(h.events).toHaveLength(before)
  })
})

const NAMES = [...WRITTEN, ['beyond the bound', 'x'.repeat(257)] as const].filter(
  ([title]) => title !== 'of another kind',
)

test.each(NAMES)('a name that nobody can have is no login that failed: %s', async (_, value) => {
  const { h, hf, facts } = await scene()
  const before = h.events.length

  const reported = await hf.loginFailed(facts, { subject: value as string })

  expect(reported).toMatchObject({ ok: true })
  expect(h.events).toHaveLength(before)
})

test.each(WRITTEN)('client facts of a form that are none are not there: %s', async (_, value) => {
  const { hf, facts } = await scene()

  const done = await hf.login(facts, { subject: 'eve', clientFacts: value as string })

  expect(done.ok).toBe(true)
})

test.each(WRITTEN)('an address of a held form that is none takes nothing: %s', async (_, value) => {
  const forms = heldForms({ store: memoryForms() })
  const from = { session: 's', cookies: `__Host-held-forms=${'A'.repeat(43)}` }

  expect(await forms.take(value as string, from)).toBeUndefined()
})
