import { describe, expect, test } from 'vitest'
import {
  type AccessRequirements,
  checkAccessRequirements,
  revoked,
  unproved,
} from '../../src/tokens/requirements.ts'
import { CLAIMS, NOW, revocationsAt } from '../support/access-tokens.ts'

const everything = {
  revocations: revocationsAt({ state: 'fresh', revoked: [] }),
  acrOrder: [],
  authority: true,
}
const DURATION =
  'requireAccess(): maxAge must be a duration: a whole number of ms, ' +
  "or words such as '90s', '30m', '2h'."

const nothing = { revocations: undefined, acrOrder: [], authority: false }

describe('what a route asks for', () => {
  test.each<[AccessRequirements]>([
    [{}],
    [{ acr: 'a', maxAge: 1, strict: true, whenBlind: 'refuse' }],
    [{ acr: 'a'.repeat(64), maxAge: '3650d', strict: false }],
    [{ whenBlind: 'accept' }],
    [{ sensitivity: 'sensitive' }],
    [{ sensitivity: 'normal' }],
  ])('may be %j', (requirements) => {
    expect(() => checkAccessRequirements(requirements, everything)).not.toThrow()
  })

  test('needs nothing of a verifier that has nothing, unless it says so', () => {
    expect(() =>
      checkAccessRequirements({ acr: 'a', strict: false, whenBlind: 'accept' }, nothing),
    ).not.toThrow()
  })

  test.each<[object, string]>([
    [{ acr: '' }, 'requireAccess(): acr must be 1 to 64 characters.'],
    [{ acr: 7 }, 'requireAccess(): acr must be 1 to 64 characters.'],
    [{ acr: null }, 'requireAccess(): acr must be 1 to 64 characters.'],
    [{ acr: 'a'.repeat(65) }, 'requireAccess(): acr must be 1 to 64 characters.'],
    [{ acr: ['aal2'] }, 'requireAccess(): acr must be 1 to 64 characters.'],
    [{ maxAge: 0 }, DURATION],
    [{ maxAge: -1 }, DURATION],
    [{ maxAge: 0.5 }, DURATION],
    [{ maxAge: '60' }, DURATION],
    [{ strict: 'yes' }, 'requireAccess(): strict must be true or false.'],
    [{ strict: 1 }, 'requireAccess(): strict must be true or false.'],
    [{ sensitivity: 'high' }, 'requireAccess(): sensitivity must be one of normal, sensitive.'],
    [{ whenBlind: 'deny' }, 'requireAccess(): whenBlind must be one of accept, refuse.'],
    [{ whenBlind: true }, 'requireAccess(): whenBlind must be one of accept, refuse.'],
  ])('cannot be %j', (requirements, message) => {
    const check = () => checkAccessRequirements(requirements, everything)

    expect(check).toThrow(expect.objectContaining({ code: 'config_invalid', message }))
  })

  test.each<[AccessRequirements, string]>([
    [{ strict: true }, 'strict needs a verifier with an authority.'],
    [{ whenBlind: 'refuse' }, 'whenBlind needs a verifier with revocations.'],
  ])('cannot be %j where nobody could tell', (requirements, message) => {
    const check = () => checkAccessRequirements(requirements, nothing)

    expect(check).toThrow(expect.objectContaining({ code: 'config_invalid', message }))
  })
})

describe('the revocation feed', () => {
  const feed = (state: 'fresh' | 'stale' | 'blind', ids: readonly string[] = []) => ({
    ...nothing,
    revocations: revocationsAt({ state, revoked: ids }),
  })

  test('is not asked where there is none', () => {
    expect(revoked(CLAIMS, { whenBlind: 'refuse' }, nothing)).toBeUndefined()
  })

  test.each(['fresh', 'stale', 'blind'] as const)('ends what it names while %s', (state) => {
    for (const whenBlind of ['accept', 'refuse'] as const) {
      expect(revoked(CLAIMS, { whenBlind }, feed(state, [CLAIMS.sid]))).toEqual({
        ok: false,
        code: 'session_revoked',
        reason: 'the feed says so',
      })
    }
  })

  test('stops a route only while it is not fresh, and only where the route says so', () => {
    for (const state of ['stale', 'blind'] as const) {
      expect(revoked(CLAIMS, {}, feed(state))).toBeUndefined()
      expect(revoked(CLAIMS, { whenBlind: 'accept' }, feed(state))).toBeUndefined()
      expect(revoked(CLAIMS, { whenBlind: 'refuse' }, feed(state))).toEqual({
        ok: false,
        code: 'revocations_unavailable',
        reason: `the revocation feed is ${state}`,
      })
    }
    expect(revoked(CLAIMS, { whenBlind: 'refuse' }, feed('fresh'))).toBeUndefined()
  })
})

describe('what has to be proved first', () => {
  const acrOrder = ['aal1', 'aal2', 'aal3']
  const at = { at: NOW, acrOrder }

  test('is nothing where nothing is asked, or enough is proved', () => {
    expect(unproved(CLAIMS, {}, at)).toBeUndefined()
    expect(unproved(CLAIMS, { acr: 'aal1' }, at)).toBeUndefined()
    expect(unproved(CLAIMS, { acr: 'aal2', maxAgeMs: 60_000 }, at)).toBeUndefined()
  })

  test('is a stronger authentication, and all that the route asks for is told', () => {
    expect(unproved(CLAIMS, { acr: 'aal3' }, at)).toStrictEqual({
      ok: false,
      code: 'step_up_required',
      reason: 'acr is not the wanted one',
      requirements: { acr: 'aal3' },
    })
    expect(unproved(CLAIMS, { acr: 'aal3', maxAgeMs: 60_000 }, at)).toMatchObject({
      reason: 'acr is not the wanted one',
      requirements: { acr: 'aal3', maxAgeMs: 60_000 },
    })
  })

  test('is a fresher one from the first millisecond after its time', () => {
    const requirements = { maxAgeMs: 60_000 }

    expect(unproved(CLAIMS, requirements, { ...at, at: NOW + 1 })).toStrictEqual({
      ok: false,
      code: 'step_up_required',
      reason: 'auth_time is too long ago',
      requirements,
    })
    expect(unproved(CLAIMS, { ...requirements, acr: 'aal1' }, { ...at, at: NOW + 1 })).toEqual({
      ok: false,
      code: 'step_up_required',
      reason: 'auth_time is too long ago',
      requirements: { acr: 'aal1', maxAgeMs: 60_000 },
    })
  })

  test('a sensitive route asks for a request that was judged as one', () => {
    const judged = { ...CLAIMS, sensitivity: 'sensitive' }
    const asks = { sensitivity: 'sensitive' } as const

    expect(unproved(judged, asks, at)).toBeUndefined()
    expect(unproved(CLAIMS, { sensitivity: 'normal' }, at)).toBeUndefined()
    for (const claims of [CLAIMS, { ...CLAIMS, sensitivity: 'normal' }]) {
      expect(unproved(claims, asks, at)).toStrictEqual({
        ok: false,
        code: 'step_up_required',
        reason: 'the request was not judged as a sensitive one',
        requirements: asks,
      })
    }
  })

  test('is everything for a token that does not say what was proved', () => {
    const { acr: _acr, auth_time: _time, ...silent } = CLAIMS

    expect(unproved(silent, { acr: 'aal1' }, at)).toMatchObject({ code: 'step_up_required' })
    expect(unproved(silent, { maxAgeMs: Number.MAX_SAFE_INTEGER }, at)).toMatchObject({
      code: 'step_up_required',
    })
  })

  test('is compared for equality where no order is given, or the wanted one is not in it', () => {
    expect(unproved(CLAIMS, { acr: 'aal2' }, { at: NOW, acrOrder: [] })).toBeUndefined()
    expect(unproved(CLAIMS, { acr: 'aal1' }, { at: NOW, acrOrder: [] })).toBeDefined()
    expect(unproved(CLAIMS, { acr: 'other' }, at)).toBeDefined()
    expect(unproved({ ...CLAIMS, acr: 'other' }, { acr: 'aal1' }, at)).toBeDefined()
  })
})
