import type { Login, RequestFacts, SessionId } from 'holdfast'
import { expect } from 'vitest'
import { atHome } from '../../../../holdfast/test/support/people.ts'
import type { Asks, Way } from './way.ts'

type Doing = (way: Way) => Promise<unknown>

/**
 * What people do, by whatever way. What they hold goes by a name, whose first word is the subject.
 */
export interface People {
  /** The token of somebody. */
  of(name: string): string
  /** The id of the session of it. */
  idOf(name: string): SessionId
  /** Answers the code of a login that was refused. */
  login(name: string, login?: Partial<Login>): Doing
  shows(name: string, code: string, request?: RequestFacts, asks?: Asks): Doing
  begins(name: string, request: RequestFacts): Doing
  answers(name: string, code: string, request?: RequestFacts, subject?: string): Doing
  fails(name: string, request: RequestFacts): Doing
  renews(name: string, code: string, request?: RequestFacts): Doing
  copies(from: string, to: string): Doing
  /** Every token and challenge that anybody was given so far. */
  issued(): readonly string[]
}

export function people(): People {
  const held: Record<string, string> = {}
  const issued = new Set<string>()

  function hold(name: string, token: string): void {
    held[name] = token
    issued.add(token)
  }

  function of(name: string): string {
    const token = held[name]
    if (token === undefined) throw new Error(`Nobody holds "${name}".`)
    return token
  }

  const idOf = (name: string): SessionId => of(name).split('.')[1] ?? ''

  const login =
    (name: string, login: Partial<Login> = {}) =>
    async ({ sessions }: Way) => {
      const subject = name.split(' ')[0] ?? ''
      const given = { subject, factors: ['otp'], amr: ['pwd'], request: atHome(), ...login }
      const created = await sessions.create(given)
      if (!created.ok) return created.code
      hold(name, created.token)
      if (created.refreshToken !== undefined) hold(`${name} refresh`, created.refreshToken)
      return 'ok'
    }

  const shows =
    (name: string, code: string, request = atHome(), asks: Asks = {}) =>
    async (way: Way) => {
      const shown = await way.show(of(name), request, asks)
      expect(shown.code).toBe(code)
      hold(name, shown.token)
    }

  const begins = (name: string, request: RequestFacts) => async (way: Way) => {
    const begun = await way.sessions.beginStepUp({ token: of(name), request })
    if (!begun.ok) throw new Error(begun.code)
    hold(`${name} challenge`, begun.challenge)
    hold(`${name} before`, of(name))
  }

  const answers =
    (name: string, code: string, request = atHome(), subject = name.split(' ')[0] ?? '') =>
    async ({ sessions }: Way) => {
      const done = await sessions.completeStepUp({
        ...{ challenge: of(`${name} challenge`), token: of(`${name} before`), request },
        ...{ subject, acr: 'urn:mfa', amr: ['otp'] },
      })
      expect(done.ok ? 'ok' : done.code).toBe(code)
      if (done.ok && done.token !== undefined) hold(name, done.token)
    }

  const fails = (name: string, request: RequestFacts) => (way: Way) =>
    way.sessions.report({
      ...{ kind: 'step_up_failed', challenge: of(`${name} challenge`) },
      ...{ token: of(`${name} before`), request },
    })

  const renews =
    (name: string, code: string, request = atHome()) =>
    async ({ sessions }: Way) => {
      const given = { token: of(name), request: { ...request, method: 'POST' } }
      const done = await sessions.refresh(given)
      expect(done.ok ? 'ok' : done.code).toBe(code)
      if (done.ok) hold(`${name} next`, done.refreshToken ?? of(name))
    }

  const copies = (from: string, to: string) => async () => {
    hold(to, of(from))
  }

  return {
    of,
    idOf,
    login,
    shows,
    begins,
    answers,
    fails,
    renews,
    copies,
    issued: () => [...issued],
  }
}
