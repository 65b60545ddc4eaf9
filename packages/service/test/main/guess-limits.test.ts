import { fakeHost } from 'holdfast/contracts'
import { describe, expect, test } from 'vitest'
import { collectGarbage } from '../../../holdfast/test/support/garbage.ts'
import { guessLimits } from '../../src/main/guess-limits.ts'

const CLIENT = '84.208.1.1'

function limits(given: {
  readonly guessLimit?: { burst: number; perMinute: number } | 'off'
  readonly callerGuessLimit?: { burst: number; perMinute: number } | 'off'
}) {
  const host = fakeHost()
  let setBackMs = 0
  const { token, key } = guessLimits({
    limits: { guessLimit: 'off', callerGuessLimit: 'off', ...given },
    now: () => host.now() - setBackMs,
    random: (size) => host.random(size),
    metrics: { guessed: () => {} },
    warn: () => {},
    onLimited: () => {},
  })
  return {
    host,
    setBack(ms: number) {
      setBackMs += ms
    },
    key,
    guess: (ip: string | null = CLIENT, caller: string | null = 'shop') =>
      token({ code: 'token_malformed', ip, caller }),
    token,
  }
}

const TEN = { burst: 10, perMinute: 6 }

test('whoever shows the token of a session that has ended guesses nothing', () => {
  const { token } = limits({ guessLimit: { burst: 1, perMinute: 1 } })

  for (let at = 0; at < 200; at++)
    expect(token({ code: 'session_unknown', ip: CLIENT, caller: 'shop' })).toBe(0)
})

describe('a network may guess', () => {
  test('so many times at once, and then as often as the limit says', () => {
    const { guess, host } = limits({ guessLimit: TEN })

    const first = Array.from({ length: 12 }, () => guess())
    host.advance(9_999)
    const early = guess()
    host.advance(1)
    const then = [guess(), guess()]
    host.advance(3_600_000)
    const later = Array.from({ length: 11 }, () => guess())

    expect(first).toEqual([...new Array(10).fill(0), 10, 10])
    expect(early).toBe(1)
    expect(then).toEqual([0, 10])
    expect(later).toEqual([...new Array(10).fill(0), 10])
  })

  test('of tokens and of keys apart', () => {
    const { guess, key } = limits({ guessLimit: { burst: 1, perMinute: 1 } })

    expect([guess(), guess(), key(CLIENT), key(CLIENT), key(null), key(null)]).toEqual([
      0, 60, 0, 60, 0, 60,
    ])
  })

  test('with all addresses of its /64 together', () => {
    const { guess } = limits({ guessLimit: TEN })

    const one = Array.from({ length: 11 }, (_, at) => guess(`2a02:fe0:1:2:${at}::1`))
    const mapped = Array.from({ length: 11 }, (_, at) =>
      guess(at % 2 ? CLIENT : '::ffff:84.208.1.1'),
    )

    expect(one.at(-1)).toBe(10)
    expect(guess('2a02:fe0:1:3::1')).toBe(0)
    expect(mapped.at(-1)).toBe(10)
    expect(guess('84.208.1.2')).toBe(0)
  })

  test('with the IPv4 addresses behind NAT64 each on its own', () => {
    const { guess, key } = limits({ guessLimit: { burst: 1, perMinute: 1 } })

    expect([guess('64:ff9b::54d0:101'), guess('64:ff9b::54d0:102')]).toEqual([0, 0])
    expect(guess('84.208.1.1')).toBeGreaterThan(0)
    expect([key('64:ff9b::54d0:103'), key('64:ff9b::54d0:104')]).toEqual([0, 0])
  })

  test('as it likes from inside, where an address may be everybody behind a proxy', () => {
    const { guess } = limits({ guessLimit: { burst: 1, perMinute: 1 } })

    for (const ip of ['10.0.0.1', '127.0.0.1', 'fd00::1', 'nonsense', null]) {
      expect([guess(ip), guess(ip)]).toEqual([0, 0])
    }
  })

  test('again at once where the clock was set back', () => {
    const { guess, setBack } = limits({ guessLimit: TEN })
    for (let at = 0; at < 11; at++) guess()

    setBack(86_400_000)

    expect(Array.from({ length: 11 }, () => guess())).toEqual([...new Array(10).fill(0), 10])
  })
})

test('refusals of tokens that somebody has count for nothing', () => {
  const { token } = limits({ guessLimit: { burst: 1, perMinute: 1 } })
  const codes = [
    'session_expired',
    'token_superseded',
    'step_up_required',
    'wrong_token_use',
  ] as const

  for (const code of [...codes, ...codes]) {
    expect(token({ code, ip: CLIENT, caller: 'shop' })).toBe(0)
  }
})

test('a caller is limited by all its guesses together, but for those of limited networks', () => {
  const { guess } = limits({
    guessLimit: { burst: 2, perMinute: 1 },
    callerGuessLimit: { burst: 10, perMinute: 6 },
  })

  for (let at = 0; at < 1_000; at++) guess()
  const others = Array.from({ length: 10 }, (_, at) => guess(`84.208.2.${at}`))

  expect(others).toEqual([...new Array(8).fill(0), 10, 10])
  expect(guess('84.208.3.1', 'bank')).toBe(0)
})

test('a million networks take no more memory than one, and find the limits still there', () => {
  const { guess } = limits({ guessLimit: { burst: 2, perMinute: 1 } })
  guess()
  const heap = () => {
    collectGarbage()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const before = heap()

  for (let at = 0; at < 1_000_000; at++)
    guess(`${11 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}.9`)

  expect(heap() - before).toBeLessThan(8e6)
  expect([guess(), guess(), guess()].at(-1)).toBeGreaterThan(0)
})
