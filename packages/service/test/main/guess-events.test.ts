import { fakeHost } from 'holdfast/contracts'
import type { OperatorFacts } from 'holdfast/maintenance'
import { expect, test } from 'vitest'
import { guessEvents } from '../../src/main/guess-events.ts'
import type { GuessesLimited } from '../../src/main/guess-limits.ts'

function keeping(record: () => Promise<void> = async () => {}) {
  const host = fakeHost()
  const kept: OperatorFacts[] = []
  const warned: string[] = []
  const limited = guessEvents({
    recorder: {
      async record(_, facts) {
        await record()
        kept.push(facts)
      },
    },
    now: () => host.now(),
    warn: (kind) => warned.push(kind),
  })
  const guess = (name: string, more: Partial<GuessesLimited> = {}): void =>
    limited({ of: 'token', by: 'network', name, ip: '84.208.1.1', ...more })
  return { host, kept, warned, guess }
}

test('one event in ten seconds is kept of each network, with its address and no more', async () => {
  const { host, kept, guess } = keeping()

  for (let at = 0; at < 100; at++) guess('84.208.1.1/32')
  guess('84.208.1.2/32')
  host.advance(9_999)
  guess('84.208.1.1/32')
  await expect.poll(() => kept.length).toBe(2)
  host.advance(1)
  guess('84.208.1.1/32')

  await expect.poll(() => kept.length).toBe(3)
  const request = { ip: '84.208.1.1', method: 'GET', url: '/', headers: {} }
  expect(kept[0]).toEqual({ actor: 'client', reason: 'token_guesses', request })
})

test('guesses of a caller are kept under its name, without an address of clients', async () => {
  const { kept, guess } = keeping()

  guess('shop', { by: 'caller' })

  await expect.poll(() => kept).toEqual([{ actor: 'shop', reason: 'token_guesses_of_caller' }])
})

test('a million networks keep 256 events in ten seconds', async () => {
  const { host, kept, guess } = keeping()

  for (let at = 0; at < 1_000_000; at++) guess(`network ${at}`)
  await expect.poll(() => kept.length).toBe(256)
  host.advance(10_000)
  for (let at = 0; at < 1_000; at++) guess(`network ${at}`)

  await expect.poll(() => kept.length).toBe(512)
})

test('what cannot be kept is warned of', async () => {
  const { warned, guess } = keeping(() => Promise.reject(new Error('the store is away')))

  guess('84.208.1.1/32')

  await expect.poll(() => warned).toEqual(['an event of guesses'])
})
