import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { verifyAudit } from '../../../src/audit/log/verify.ts'
import type { Trouble } from '../../../src/audit/trouble.ts'
import type { Witness } from '../../../src/audit/witness/ask-witness.ts'
import { cosignaturesOn, witnessVerifier } from '../../../src/audit/witness/cosignature.ts'
import { openWitnesses } from '../../../src/audit/witness/witnesses.ts'
import { host, place } from '../log/support.ts'
import { ask, grow, serving, W1, W2, witness } from './support.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/** A log that is given to witnesses once a minute of a clock that is moved. */
function witnessed(witnesses: readonly Witness[], quorum = witnesses.length, at = place()) {
  const log = at.open()
  const [troubles, said]: [Trouble[], string[]] = [[], []]
  const say = (fields: object, message: string): void => {
    said.push(`${message} ${JSON.stringify(fields)}`)
  }
  const all = openWitnesses({
    ...{ directory: at.directory, witnesses, quorum, now: host.now, random: host.random },
    log: { warn: say, error: say },
    onTrouble: (trouble) => void troubles.push(trouble),
  })
  return {
    ...{ all, log, troubles, said, directory: at.directory },
    async minute(lines = 3): Promise<string | undefined> {
      host.advance(MINUTE_MS)
      grow(log, lines)
      const note = await all.cosign(log.checkpoint())
      if (note !== undefined) log.cosigned(note)
      return note
    },
  }
}

interface Faulty extends Witness {
  /** What it answers, where it hands nothing on. */
  status: number
  /** The address of the witness behind it. */
  behind: string | undefined
  asked: number
}

/** Stands in front of a witness. */
async function faulty(status: number): Promise<Faulty> {
  const verifier = witnessVerifier(W2.verifierKey)
  const state = { url: '', verifier, status, behind: undefined as string | undefined, asked: 0 }
  state.url = await serving(async (request, response) => {
    state.asked++
    if (state.behind === undefined) return response.writeHead(state.status).end()
    const answer = await ask(state.behind, await text(request))
    return response.writeHead(answer.status).end(answer.text)
  })
  return state
}

test('each checkpoint has the signatures of both witnesses, and is kept with them', async () => {
  const both = [await witness(W1), await witness(W2)]
  const { minute, all, log, directory } = witnessed(both)

  const notes = [await minute(), await minute(), await minute(0)]

  const [, second, idle] = notes
  const by = cosignaturesOn(
    second ?? '',
    both.map(({ verifier }) => verifier),
  )
  expect(by).toMatchObject({ ok: true, cosignatures: [{ witness: W1.name }, { witness: W2.name }] })
  expect(idle).toBeUndefined()
  expect(log.checkpoint()).toBe(second)
  expect(all.state()).toEqual({
    [W1.name]: { is: 'cosigning', lines: log.size() },
    [W2.name]: { is: 'cosigning', lines: log.size() },
  })
  const witnesses = both.map(({ verifier }) => verifier)
  expect(verifyAudit([directory], { witnesses: { witnesses, quorum: 2 } })).toMatchObject({
    ...{ ok: true, faults: [] },
    directories: [{ cosigned: log.size(), signed: log.size() }],
  })
})

test('one that is away costs the other nothing, is asked less and less, comes back', async () => {
  const away = await faulty(500)
  const { minute, all, troubles, said, log } = witnessed([await witness(W1), away], 1)

  for (let passed = 0; passed < HOUR_MS; passed += MINUTE_MS) {
    expect(await minute()).toContain(W1.name)
  }
  const asked = away.asked
  away.behind = (await witness(W2)).url
  host.advance(HOUR_MS)
  const note = await minute()

  // Once a minute at first, every quarter of an hour in the end.
  expect(asked).toBeGreaterThan(5)
  expect(asked).toBeLessThan(20)
  expect(note).toContain(W2.name)
  expect(all.state()[W2.name]).toEqual({ is: 'cosigning', lines: log.size() })
  expect(troubles).toEqual([])
  expect(said).toEqual([
    expect.stringMatching(/a witness does not sign .*w2.*it answers 500/),
    expect.stringMatching(/a witness signs again .*w2/),
  ])
})

test('too few for an hour are one trouble, and another after they were enough', async () => {
  const away = await faulty(500)
  const { minute, troubles } = witnessed([await witness(W1), away])

  await minute()
  for (let passed = 0; passed < HOUR_MS - MINUTE_MS; passed += MINUTE_MS) await minute()
  expect(troubles).toEqual([])
  await minute()
  expect(troubles).toEqual(['witness_silent'])
  for (let passed = 0; passed < 3 * HOUR_MS; passed += MINUTE_MS) await minute()
  expect(troubles).toEqual(['witness_silent'])

  away.behind = (await witness(W2)).url
  host.advance(HOUR_MS)
  await minute()
  away.behind = undefined
  for (let passed = 0; passed <= HOUR_MS; passed += MINUTE_MS) await minute()
  expect(troubles).toEqual(['witness_silent', 'witness_silent'])
})

test('a history that was written anew after a cosignature is refused, and told once', async () => {
  const one = await witness(W1)
  const honest = witnessed([one])
  await honest.minute(9)
  await honest.minute(9)

  const forged = witnessed([one])
  const note = await forged.minute(30)
  host.advance(HOUR_MS)
  await forged.minute()

  expect(note).toBeUndefined()
  expect(forged.troubles).toEqual(['witness_refuses', 'witness_silent'])
  expect(forged.all.state()).toEqual({ [W1.name]: { is: 'refusing', lines: null } })
  expect(forged.said).toEqual([
    expect.stringMatching(/refuses it, because it knows another history/),
  ])
  expect(one.notices.at(-1)).toMatchObject({ is: 'refused', known: { size: honest.log.size() } })
  expect(await honest.minute()).toContain(W1.name)
  const witnesses = { witnesses: [one.verifier], quorum: 1 }
  expect(verifyAudit([forged.directory], { witnesses })).toMatchObject({
    ...{ ok: false, faults: [{ code: 'not_witnessed' }] },
  })
})

test('a copy that was put back is refused, though everything in it is genuine', async () => {
  const one = await witness(W1)
  const honest = witnessed([one])
  await honest.minute(9)
  const size = honest.log.size()
  await honest.minute(30)

  const { troubles, said, minute } = witnessed([one])
  await minute(size)

  expect(troubles).toEqual(['witness_refuses'])
  expect(said[0]).toMatch(/has seen \d+ lines, and there are \d+/)
})

test('a refusal is over with a signature alone', async () => {
  const state = await faulty(422)
  const { minute, all, troubles } = witnessed([state])

  await minute()
  state.status = 500
  host.advance(HOUR_MS)
  await minute()

  expect(all.state()).toEqual({ [W2.name]: { is: 'refusing', lines: null } })
  state.behind = (await witness(W2)).url
  host.advance(HOUR_MS)
  await minute()
  expect(all.state()[W2.name]).toMatchObject({ is: 'cosigning' })
  expect(troubles.filter((trouble) => trouble === 'witness_refuses')).toHaveLength(1)
})

test('what is on its way is given up when the log is closed, and holds nothing up', async () => {
  const asked: string[] = []
  let came = (): void => {}
  const arrived = new Promise<void>((resolve) => {
    came = resolve
  })
  const url = await serving((request) => {
    asked.push(request.url ?? '')
    came()
  })
  const { log, all } = witnessed([{ url, verifier: witnessVerifier(W1.verifierKey) }])
  const first = all.cosign(log.checkpoint())
  await arrived

  grow(log, 5)
  const next = log.checkpoint()
  expect(await all.cosign(next)).toBeUndefined()
  all.close()

  expect(await first).toBeUndefined()
  expect(asked).toEqual(['/add-checkpoint'])
  expect(log.checkpoint()).toBe(next)
})

test('a signature of an older checkpoint is left out: the next goes on from it', async () => {
  const { log } = witnessed([])
  const old = log.checkpoint()
  grow(log, 2)
  const newest = log.checkpoint()

  expect(log.cosigned(old + W1.cosign('x\n', host.now()))).toBe(false)
  expect(log.checkpoint()).toBe(newest)
})
