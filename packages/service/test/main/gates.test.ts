import type { Presented, Sessions, Verification, VerifiesNow } from 'holdfast'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { rawRequest } from '../../../holdfast/src/contracts/adapters/raw-http.ts'
import { gateOpeners } from '../../src/main/gates.ts'
import { NO_GUESS_LIMITS } from '../../src/main/guess-limits.ts'
import { serviceMetrics } from '../../src/main/metrics.ts'
import { forwarded } from '../gateways/gates.ts'
import { configOf, KEYS } from '../support.ts'

const UNKNOWN: Verification = { ok: false, code: 'session_unknown' }

/** A token as far as anybody looks before the engine does. */
const TOKEN = `hf1.${'a'.repeat(160)}`

/** Asks a gate whose engine answers at once, or undefined: it has to read first. */
async function askedOf(
  now: VerifiesNow['now'],
): Promise<{ readonly asked: readonly string[]; readonly status: number; readonly text: string }> {
  const asked: string[] = []
  const verify = async (_: Presented): Promise<Verification> => {
    asked.push('read')
    return UNKNOWN
  }
  const answering: VerifiesNow = {
    now(presented) {
      asked.push('now')
      return now?.(presented)
    },
  }
  const metrics = serviceMetrics()
  const { gate } = gateOpeners({
    guard: (answer) => answer,
    sessions: { verify: Object.assign(verify, answering) } as unknown as Sessions,
    config: configOf(),
    metrics,
    log: pino({ level: 'silent' }),
    now: Date.now,
    guesses: NO_GUESS_LIMITS,
    recorder: { tell() {} },
  })
  const listener = await gate({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => listener.close(0))
  const headers = { 'holdfast-key': KEYS.gate, ...forwarded(), cookie: `__Host-session=${TOKEN}` }
  const { status } = await rawRequest(`${listener.url}/v1/gate/forward-auth`, {
    method: 'GET',
    headers: Object.entries(headers),
  })
  return { asked, status, text: await metrics.text() }
}

const COUNTED_ONCE = 'holdfast_verifications_total{outcome="none",code="session_unknown"} 1\n'

test('a gate takes an answer that the engine has at once, and counts it once', async () => {
  const { asked, status, text } = await askedOf(() => UNKNOWN)

  expect(asked).toEqual(['now'])
  expect(status).toBe(401)
  expect(text).toContain(COUNTED_ONCE)
})

test('a gate waits for an answer that the engine has to read for, and counts it once', async () => {
  const { asked, status, text } = await askedOf(() => undefined)

  expect(asked).toEqual(['now', 'read'])
  expect(status).toBe(401)
  expect(text).toContain(COUNTED_ONCE)
})
