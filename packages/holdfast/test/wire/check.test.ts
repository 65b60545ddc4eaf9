import { describe, expect, test } from 'vitest'
import { presented, report } from '../../src/wire/bodies.ts'
import { checker } from '../../src/wire/check.ts'
import { openOneOf } from '../../src/wire/describe.ts'
import { knownFields } from '../../src/wire/known.ts'
import { verification } from '../../src/wire/verdicts.ts'

const request = { ip: null, method: 'GET', url: '/', headers: {} }

describe('a request', () => {
  const check = checker(presented, 'request')

  test.each([
    [
      'a field that nobody described',
      { token: 'x', request, extra: 1 },
      'extra',
      'is not a known field',
    ],
    [
      'one below',
      { token: 'x', request: { ...request, raw: 1 } },
      'request.raw',
      'is not a known field',
    ],
    ['a missing field', { token: 'x' }, 'request', 'is missing'],
    ['an inherited field', Object.create({ token: 'x', request }), 'token', 'is missing'],
    [
      'a name of a prototype',
      { token: 'x', request, toString: 1 },
      'toString',
      'is not a known field',
    ],
    ['a list', [], '', 'must be an object'],
    [
      'a word',
      { token: 'x', request, sensitivity: 'high' },
      'sensitivity',
      'must be one of normal, sensitive',
    ],
    ['too little', { token: '', request }, 'token', 'must have at least 1 character'],
    ['a fraction', { token: 'x', request, waitedMs: 0.5 }, 'waitedMs', 'must be a whole number'],
  ])('%s is told of by its name', (_, value, field, problem) => {
    expect(check.accepts(value)).toBe(false)
    expect(check.problems(value)[0]).toEqual({ field, problem })
  })

  test('all that is wrong is told, and no value is repeated', () => {
    const problems = check.problems({ token: ['a-secret'], request: 'a-secret' })

    expect(problems.map(({ field }) => field)).toEqual(['token', 'request'])
    expect(JSON.stringify(problems)).not.toContain('a-secret')
  })

  test('of a long name only the beginning is told', () => {
    const [problem] = check.problems({ token: 'x', request, ['y'.repeat(500)]: 1 })

    expect(problem?.field).toBe('y'.repeat(64))
  })

  test('a union is checked by what tells its variants apart', () => {
    const { problems } = checker(report, 'request')

    expect(problems({ kind: 'gossip' })).toMatchObject([{ field: 'kind' }])
    expect(problems({ kind: 'toString' })).toMatchObject([{ field: 'kind' }])
    expect(problems({ kind: 'not_me', session: 'A'.repeat(43), subject: 'ada' })).toEqual([
      { field: 'subject', problem: 'is not a known field' },
    ])
  })
})

describe('an answer of a newer service', () => {
  const { accepts } = checker(verification, 'answer')
  const refused = { ok: false, code: 'session_unknown' } as const

  test('may say more, which is left out', () => {
    const more = { ...refused, hint: 'x' }

    expect(accepts(more)).toBe(true)
    expect(knownFields(verification)(more)).toEqual(refused)
  })

  test('is told from one that says nothing more', () => {
    const known = checker(verification, 'known-answer')
    const decision = { outcome: 'challenge', score: 24, because: [] }

    expect(known.accepts(refused)).toBe(true)
    expect(known.accepts({ decision, ...refused })).toBe(true)
    expect(known.accepts({ ...refused, hint: 'x' })).toBe(false)
    expect(known.accepts({ ...refused, decision: { ...decision, hint: 'x' } })).toBe(false)
    expect(known.accepts({ ...refused, decision: { outcome: 'challenge', score: 24 } })).toBe(false)
  })

  test('may not say yes where this version knows only no', () => {
    expect(accepts({ ...refused, ok: 'maybe' })).toBe(false)
    expect(accepts({ ...refused, ok: true })).toBe(false)
  })

  test('may know browsers that this version does not', () => {
    const browser = openOneOf(['chrome', 'firefox'])

    expect(checker(browser, 'answer').accepts('lynx')).toBe(true)
    expect(checker(browser, 'answer').accepts(1)).toBe(false)
    expect(checker(browser, 'request').accepts('lynx')).toBe(false)
  })
})
