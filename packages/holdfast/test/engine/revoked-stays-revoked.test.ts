import fc from 'fast-check'
import { expect, test } from 'vitest'
import { codeOf, harness, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import { abroad, atHome, onTheTrain } from '../support/people.ts'

const operations = fc.array(
  fc.constantFrom(
    'verify',
    'verify_abroad',
    'verify_on_the_train',
    'sensitive',
    'step_up',
    'attributes',
    'login_again',
    'log_out_elsewhere',
    'wait_a_second',
    'wait_ten_minutes',
  ),
  { minLength: 1, maxLength: 12 },
)

const endings = fc.constantFrom('logout', 'revoke', 'revoke_subject', 'not_me', 'idle')

/**
 * Enough of Vitest's own hook for a property's many runs would pile up: the engines here are in
 * memory and need no closing.
 */
test('no order of operations makes a revoked session valid again', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(operations, endings, operations, async (before, ending, after) => {
      const h = await harness(inMemory)
      const held = { token: await h.login() }
      const shown = new Set([held.token])
      const idOf = (): string => held.token.split('.')[1] ?? ''

      for (const operation of before) await run(operation)
      await end()
      const revoked = new Set(shown)
      for (const operation of after) await run(operation)

      for (const token of revoked) {
        expect(codeOf(await h.show(token)), `${ending} after ${before}, then ${after}`).not.toBe(
          'ok',
        )
      }

      async function run(operation: string): Promise<void> {
        switch (operation) {
          case 'verify':
            return keep(await h.show(held.token))
          case 'verify_abroad':
            return keep(await h.show(held.token, abroad()))
          case 'verify_on_the_train':
            return keep(await h.show(held.token, onTheTrain()))
          case 'sensitive':
            return keep(await h.show(held.token, atHome(), { sensitivity: 'sensitive' }))
          case 'step_up':
            return keep(await h.stepUp(held.token, atHome()))
          case 'attributes':
            await h.sessions.patchAttributes(idOf(), { x: 1 }, 0).catch(() => undefined)
            return
          case 'login_again':
            await h.login()
            return
          case 'log_out_elsewhere':
            return h.sessions.revokeSubject({ subject: 'ada' }, { reason: 'user', except: idOf() })
          case 'wait_a_second':
            return h.host.advance(SECOND)
          default:
            return h.host.advance(10 * MINUTE)
        }
      }

      function keep(answer: Awaited<ReturnType<typeof h.show>>): void {
        if (!answer.ok || answer.token === undefined) return
        held.token = answer.token
        shown.add(answer.token)
      }

      async function end(): Promise<void> {
        switch (ending) {
          case 'logout':
            return h.sessions.logout(held.token)
          case 'revoke':
            return h.sessions.revoke(idOf(), { reason: 'admin' })
          case 'revoke_subject':
            return h.sessions.revokeSubject({ subject: 'ada' }, { reason: 'admin' })
          case 'not_me':
            return h.sessions.report({ kind: 'not_me', session: idOf() })
          default:
            h.host.advance(121 * MINUTE)
        }
      }
    }),
    { numRuns: 150 },
  )
})
