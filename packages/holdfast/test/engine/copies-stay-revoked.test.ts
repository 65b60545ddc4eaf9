import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Verification } from '../../src/core/sessions.ts'
import { gated, twoEngines } from '../support/copies.ts'
import { codeOf, HOUR, inMemory, SECOND } from '../support/harness.ts'

const operations = fc.array(
  fc.constantFrom(
    'verify',
    'verify_elsewhere',
    'begin_to_read',
    'end_reads',
    'attributes',
    'attributes_elsewhere',
    'hold_the_feed_back',
    'let_the_feed_come',
    'wait_a_moment',
  ),
  { maxLength: 12 },
)

const endings = fc.constantFrom('logout', 'revoke', 'revoke_subject', 'revoke_others')

test('no order of requests, changes and news revives a session heard to be over', {
  timeout: 60_000,
}, async () => {
  let hits = 0
  await fc.assert(
    fc.asyncProperty(operations, endings, operations, async (before, ending, after) => {
      const gate = gated()
      const h = await twoEngines(inMemory, { through: gate.through })
      const token = await h.login()
      const id = token.split('.')[1] ?? ''
      const other = (await h.login()).split('.')[1] ?? ''
      const reads: Promise<Verification>[] = []
      await h.showNear(token)
      await nextTurn()
      // followed from now on: kept
      await h.showNear(token)

      for (const operation of before) await run(operation)
      await end()
      for (const operation of after) await run(operation)
      gate.open('feed')
      await gate.heard({ session: id })

      const late = h.showNear(token)
      gate.open('reads')
      await Promise.all(reads)
      for (const answer of [await late, await h.showNear(token)]) {
        expect(codeOf(answer), `${before}, ${ending}, ${after}`).not.toBe('ok')
      }
      hits += h.asked.hit

      async function run(operation: string): Promise<void> {
        switch (operation) {
          case 'verify':
            // what is held back must not hold the test up
            reads.push(h.showNear(token))
            return nextTurn()
          case 'verify_elsewhere':
            return void (await h.show(token))
          case 'begin_to_read':
            gate.shut('reads')
            reads.push(h.showNear(token, { maxAgeMs: HOUR }))
            return nextTurn()
          case 'end_reads':
            gate.open('reads')
            return nextTurn()
          case 'attributes':
            gate.open('reads')
            return void (await h.near.patchAttributes(id, { x: 1 }, 0).catch(() => undefined))
          case 'attributes_elsewhere':
            return void (await h.sessions.patchAttributes(id, { x: 1 }, 0).catch(() => undefined))
          case 'hold_the_feed_back':
            return gate.shut('feed')
          case 'let_the_feed_come':
            gate.open('feed')
            return nextTurn()
          default:
            h.host.advance(SECOND / 10)
        }
      }

      async function end(): Promise<void> {
        switch (ending) {
          case 'logout':
            return h.sessions.logout(token)
          case 'revoke':
            return h.sessions.revoke(id, { reason: 'admin' })
          case 'revoke_subject':
            return h.sessions.revokeSubject({ subject: 'ada' }, { reason: 'admin' })
          default:
            return h.sessions.revokeSubject({ subject: 'ada' }, { reason: 'admin', except: other })
        }
      }
    }),
    { numRuns: 200 },
  )
  expect(hits).toBeGreaterThan(50)
})
