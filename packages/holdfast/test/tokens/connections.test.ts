import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { connections } from '../../src/tokens/connections.ts'
import type { TokenFacts } from '../../src/tokens/revocations.ts'

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

/** Revocations of sessions by their names. */
function revocations() {
  const dead = new Set<string>()
  let listener: (matches: (token: TokenFacts) => boolean) => void = () => {}
  return {
    isRevoked: ({ sid }: TokenFacts) => dead.has(sid),
    onRevoked(one: typeof listener) {
      listener = one
      return () => {}
    },
    revoke(sid: string) {
      dead.add(sid)
      listener((token) => token.sid === sid)
    },
  }
}

const claims = (sid: string, exp = 1_090) => ({ sid, gen: 0, iat: 1_000, exp })

test('every connection of a session is closed once when it is revoked, and no other', () => {
  const feed = revocations()
  const { hold } = connections(feed)
  const closed: string[] = []
  for (const name of ['a1', 'a2', 'b1']) {
    hold(claims(name.slice(0, 1)), () => closed.push(name))
  }

  feed.revoke('a')
  feed.revoke('a')

  expect(closed).toEqual(['a1', 'a2'])
})

test('a connection ends with its token, each at its time, on one timer', () => {
  const { hold } = connections(revocations())
  const closed: string[] = []
  hold(claims('a', 1_090), () => closed.push('late'))
  hold(claims('b', 1_010), () => closed.push('early'))
  hold(claims('c', 1_050), () => closed.push('between'))

  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(9_999)
  expect(closed).toEqual([])
  vi.advanceTimersByTime(1)
  expect(closed).toEqual(['early'])
  vi.advanceTimersByTime(80_000)
  expect(closed).toEqual(['early', 'between', 'late'])
  expect(vi.getTimerCount()).toBe(0)
})

test('what was let go is not closed, and leaves no timer', () => {
  const feed = revocations()
  const { hold } = connections(feed)
  const close = vi.fn()
  const release = hold(claims('a'), close)

  release()
  release()
  feed.revoke('a')
  vi.advanceTimersByTime(100_000)

  expect(close).not.toHaveBeenCalled()
  expect(vi.getTimerCount()).toBe(0)
})

test('what is over already is closed at once', () => {
  const feed = revocations()
  const { hold } = connections(feed)
  feed.revoke('a')
  const close = vi.fn()

  hold(claims('a'), close)
  hold(claims('b', 1_000), close)

  expect(close).toHaveBeenCalledTimes(2)
})

test('a connection that cannot be closed keeps no other open', () => {
  const feed = revocations()
  const { hold } = connections(feed)
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const close = vi.fn()
  hold(claims('a'), () => {
    throw new Error('gone already')
  })
  hold(claims('a'), close)

  feed.revoke('a')

  expect(close).toHaveBeenCalledOnce()
  expect(warned).toHaveBeenCalledOnce()
  warned.mockRestore()
})

test('without a feed the end of the token is the only end', () => {
  const { hold } = connections()
  const close = vi.fn()
  hold(claims('a'), close)

  vi.advanceTimersByTime(90_000)

  expect(close).toHaveBeenCalledOnce()
})
