import { expect, test } from 'vitest'
import type { Store } from '../../src/core/store.ts'
import { describeOnEveryStore } from '../support/every-store.ts'
import { codeOf, HOUR, harness, type OpenStore, SECOND } from '../support/harness.ts'

/** Holds back writes of sessions that are there already, until they are let go. */
function slowly(open: OpenStore): {
  readonly open: OpenStore
  readonly arrived: Promise<void>
  letGo(): void
} {
  let letGo = (): void => {}
  let arrive = (): void => {}
  const gone = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve
  })
  return {
    async open(now): Promise<Store> {
      const store = await open(now)
      return {
        ...store,
        entries: {
          ...store.entries,
          async write(entry, options) {
            if (entry.version > 1) {
              arrive()
              await gone
            }
            return store.entries.write(entry, options)
          },
        },
      }
    },
    arrived,
    letGo,
  }
}

describeOnEveryStore('a request received 1 ms before its session idles', (open) => {
  test.each([{ beyond: 'refuse' }, { beyond: 'end_oldest' }] as const)(
    'whose write comes late does not bring it back beside the one that took its place: %o',
    async ({ beyond }) => {
      const slow = slowly(open)
      const h = await harness(slow.open, { sessionLimit: 1, sessionLimitBeyond: beyond })
      const first = await h.login()
      h.host.advance(2 * HOUR - 1)

      const late = h.show(first)
      await slow.arrived
      h.host.advance(1)
      const second = await h.login()
      slow.letGo()

      expect(codeOf(await late)).toBe('session_expired')
      expect((await h.sessions.list({ subject: 'ada' })).items).toHaveLength(1)
      h.host.advance(SECOND)
      expect(codeOf(await h.show(first))).toBe('session_expired')
      expect(codeOf(await h.show(second))).toBe('ok')
      if (beyond === 'refuse') {
        await expect(h.login()).rejects.toThrow('session_limit_reached')
      }
    },
  )
})
