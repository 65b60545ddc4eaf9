import { describe, expect, test } from 'vitest'
import {
  type Context,
  contextKey,
  findContext,
  MAX_CONTEXTS,
  MAX_REREADS,
  VISIT_GAP_MS,
} from '../../src/core/context.ts'
import { decision, type Outcome } from '../../src/core/decision.ts'
import type { Evidence, EvidenceGroup } from '../../src/core/evidence.ts'
import { NO_HISTORY, type SubjectHistory } from '../../src/core/history.ts'
import type { Device, Network, Presentation } from '../../src/core/request.ts'
import type { SessionState } from '../../src/core/session.ts'
import { type Settled, settle, withoutLearnt } from '../../src/engine/judging/contexts.ts'
import { calm } from '../policies/calm.ts'
import {
  laptop,
  lyse,
  MINUTE,
  NOON,
  oslo,
  past,
  presented,
  sessionOf,
  used,
} from '../signals/scene.ts'

const SECOND = 1_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Another line of the same provider: a context of its own, and no other place. */
const upstairs: Network = { ...oslo, address: '84.208.77.1', prefix: '84.208.77.0/24' }
const home = used(oslo, laptop)
const attic = used(upstairs, laptop)
const phone: Device = { ...laptop, family: 'safari', os: 'ios', mobile: true }

function evidence(reason: string, weight: number, group: EvidenceGroup = 'N'): Evidence {
  return { group, reason, weight, detail: {}, text: 'A fact.' }
}

interface Answer {
  /** To the context itself. */
  readonly standing?: Outcome
  /** To this request; as to the context unless it says otherwise. */
  readonly outcome?: Outcome
  readonly because?: readonly Evidence[]
  readonly history?: SubjectHistory
  readonly proved?: boolean
}

function settled(
  session: SessionState,
  presentation: Presentation,
  answer: Answer = {},
): Settled & { readonly after: Context | undefined } {
  const { standing = 'allow', outcome = standing, because = [], history = NO_HISTORY } = answer
  const key = contextKey(presentation.network, presentation.device)
  const result = settle(session, presentation, history, {
    decision: decision(outcome, because),
    standing: decision(standing, because),
    evidence: because,
    situation: calm,
    existing: findContext(session.contexts, key),
    key,
    proved: answer.proved ?? false,
  })
  return { ...result, after: findContext(result.next.contexts, key) }
}

function provisional(changes: Partial<Context> = {}): Context {
  return { ...attic, state: 'provisional', ...changes }
}

function challenged(changes: Partial<Context> = {}): Context {
  return { ...attic, state: 'challenged', visits: 0, ...changes }
}

/** At home last, at noon; with another context that was used before. */
function withOther(other: Context): SessionState {
  return sessionOf(other, home)
}

describe('a place that is new to the session', () => {
  const at = NOON + 30 * MINUTE
  const there = presented(lyse, laptop, { at })

  test('becomes provisional where nothing speaks against it, and the past learns of it', () => {
    const session = sessionOf(home)

    const { next, after, ...told } = settled(session, there)

    expect(after).toEqual({
      key: contextKey(lyse, laptop),
      state: 'provisional',
      network: lyse,
      device: laptop,
      firstSeen: at,
      lastSeen: at,
      visits: 1,
      evidence: 0,
      evidenceAt: at,
      because: [],
    })
    expect(next.contexts[0]).toEqual(home)
    expect(next.last).toEqual({ context: after?.key, network: lyse, device: laptop, at })
    expect(told).toEqual({
      decision: decision('allow', []),
      historyUpdate: after,
      contextChanged: true,
      deviceChanged: false,
      newlySuspected: false,
    })
  })

  test('is no visit and teaches nothing where it is observed', () => {
    const because = [evidence('network_new_near', 8), evidence('language_changed', 6, 'D')]
    const { next, after, ...told } = settled(sessionOf(home), there, {
      standing: 'observe',
      because,
    })

    expect(after).toMatchObject({ state: 'provisional', visits: 0, evidence: 14, evidenceAt: at })
    expect(after?.because).toEqual([
      { group: 'N', reason: 'network_new_near', weight: 8 },
      { group: 'D', reason: 'language_changed', weight: 6 },
    ])
    expect(next.last.context).toBe(after?.key)
    expect(told).toMatchObject({
      historyUpdate: undefined,
      contextChanged: true,
      newlySuspected: false,
    })
  })

  test.each(['challenge', 'deny', 'revoke'] as const)('is challenged: %s', (standing) => {
    const session = sessionOf(home)
    const { next, after, ...told } = settled(session, there, { standing })

    expect(after).toMatchObject({ state: 'challenged', visits: 0, firstSeen: at })
    expect(next.last).toBe(session.last)
    expect(told).toMatchObject({
      historyUpdate: undefined,
      contextChanged: true,
      newlySuspected: true,
    })
  })

  test('is not suspected because a route asks for more, and is not where the session is', () => {
    const session = sessionOf(home)
    const { next, after, ...told } = settled(session, there, { outcome: 'challenge' })

    expect(after).toMatchObject({ state: 'provisional' })
    expect(next.last).toBe(session.last)
    expect(told).toMatchObject({ historyUpdate: undefined, newlySuspected: false })
  })

  test('remembers what it was new as, of what people change at rates of their own', () => {
    const usual = evidence('network_new_near', 8)
    const newAs = (...because: readonly Evidence[]) =>
      settled(sessionOf(home), there, { because }).after?.newAs

    expect(newAs(evidence('network_same_asn', 1), usual)).toBe('network_new_near')
    expect(newAs(evidence('made_up', 1))).toBeUndefined()
    expect(newAs({ ...usual, group: 'D' })).toBeUndefined()
  })

  test('is confirmed where the past has confirmed it, and goes on from there', () => {
    const known = { ...used(lyse, laptop), firstSeen: NOON - DAY, lastSeen: NOON, visits: 1 }
    const because = [evidence('network_new_near', 8)]
    const { after } = settled(sessionOf(home), there, { history: past(known), because })

    expect(after).toMatchObject({ state: 'confirmed', visits: 2, firstSeen: NOON - DAY })
    expect(after).not.toHaveProperty('newAs')
    expect(settled(sessionOf(home), there, { history: past(attic) }).after).toMatchObject({
      state: 'provisional',
      visits: 1,
    })
  })

  test('goes on from the visits of the past, to which its coming alone adds none', () => {
    const known = { ...used(lyse, laptop, { state: 'provisional' }), firstSeen: NOON - HOUR }
    const visits = (before: Partial<Context>, proved = false) =>
      settled(sessionOf(home), there, { history: past({ ...known, ...before }), proved }).after

    expect(visits({ visits: 1 })).toMatchObject({ visits: 1, firstSeen: at })
    expect(visits({ visits: 1 }, true)).toMatchObject({ visits: 2, firstSeen: at })
    expect(visits({ visits: 0 })).toMatchObject({ visits: 1, firstSeen: at })
    const soon = { visits: 1, lastSeen: at - VISIT_GAP_MS + 1 }
    expect(visits(soon, true)).toMatchObject({ visits: 1 })
  })

  test('loses in the past what it had earned there, when it is challenged', () => {
    const known = used(lyse, laptop, { state: 'provisional' })
    const lost = (context: Context) =>
      settled(sessionOf(home), there, { standing: 'challenge', history: past(context) })

    const { after, historyUpdate } = lost(known)
    expect(historyUpdate).toBe(after)
    expect(lost({ ...known, visits: 0 }).historyUpdate).toBeUndefined()
    expect(lost({ ...known, state: 'confirmed' }).historyUpdate).toBeUndefined()
    const again = { ...challenged(), ...known, state: 'challenged', visits: 0 } as const
    const still = settled(withOther(again), there, {
      standing: 'challenge',
      history: past(known),
    })
    expect(still.historyUpdate).toBeUndefined()
  })

  test('may be limited by a policy of the application, and loses nothing by it', () => {
    const known = used(lyse, laptop, { state: 'provisional' })
    const { after, historyUpdate, newlySuspected } = settled(sessionOf(home), there, {
      standing: 'limit',
      history: past(known),
    })

    expect(after).toMatchObject({ state: 'provisional', network: lyse, visits: 1 })
    expect(historyUpdate).toBeUndefined()
    expect(newlySuspected).toBe(true)
  })

  test('is new again once it was driven out, though the session was used there last', () => {
    const { last } = sessionOf(home)
    const session = { ...sessionOf(attic), last }
    const history = past({ ...home, lastSeen: NOON - DAY })
    const { after } = settled(session, presented(oslo, laptop, { at: NOON + MINUTE }), { history })

    expect(after).toMatchObject({ state: 'confirmed', visits: 2 })
  })

  test('is turned away where sixteen are confirmed and it looks wrong', () => {
    const contexts = Array.from({ length: MAX_CONTEXTS }, (_, i) => ({ ...home, key: `k${i}` }))
    const session = { ...sessionOf(home), contexts }

    const { next, decision: decided, ...told } = settled(session, there, { standing: 'challenge' })

    expect(next).toBe(session)
    expect(decided).toMatchObject({ outcome: 'deny', score: 0 })
    expect(decided.because).toMatchObject([
      { reason: 'contexts_exhausted', detail: { contexts: MAX_CONTEXTS } },
    ])
    expect(told).toMatchObject({
      historyUpdate: undefined,
      contextChanged: false,
      deviceChanged: false,
      newlySuspected: false,
    })
  })
})

describe('a place that goes on', () => {
  test('is not written while nothing changes', () => {
    const session = sessionOf(home)

    const { next, ...told } = settled(session, presented(oslo, laptop, { at: NOON + 10 * MINUTE }))

    expect(next).toBe(session)
    expect(told).toMatchObject({
      historyUpdate: undefined,
      contextChanged: false,
      deviceChanged: false,
      newlySuspected: false,
    })
  })

  test('is another visit from half an hour of silence on', () => {
    const session = sessionOf(home)
    const early = settled(session, presented(oslo, laptop, { at: NOON + VISIT_GAP_MS - 1 }))
    const late = settled(session, presented(oslo, laptop, { at: NOON + VISIT_GAP_MS }))

    expect(early.next).toBe(session)
    expect(late.after).toMatchObject({ visits: 2, firstSeen: NOON, lastSeen: NOON + VISIT_GAP_MS })
    expect(late.historyUpdate).toBe(late.after)
    expect(late.contextChanged).toBe(false)
  })

  test('is silent since the session was last active, where that was here', () => {
    const { last, ...rest } = sessionOf(home)
    const session = { ...rest, last: { ...last, at: NOON + 20 * MINUTE } }
    const visits = (ms: number) =>
      settled(session, presented(oslo, laptop, { at: NOON + 20 * MINUTE + ms })).after?.visits

    expect(visits(VISIT_GAP_MS - 1)).toBe(1)
    expect(visits(VISIT_GAP_MS)).toBe(2)
  })

  test('is silent since it was used itself, where the session was elsewhere meanwhile', () => {
    const newcomer = { firstSeen: NOON - HOUR, lastSeen: NOON - 10 * MINUTE }
    const session = withOther(provisional(newcomer))
    const visits = (ms: number) =>
      settled(session, presented(upstairs, laptop, { at: NOON + ms })).after?.visits

    expect(visits(VISIT_GAP_MS - 10 * MINUTE - 1)).toBe(1)
    expect(visits(VISIT_GAP_MS - 10 * MINUTE)).toBe(2)
  })

  test('is no visit where it is observed, or while two holders are proven', () => {
    const session = sessionOf({ ...home, visits: 3 })
    const there = presented(oslo, laptop, { at: NOON + HOUR })

    expect(settled(session, there, { standing: 'observe' }).after).toMatchObject({ visits: 3 })
    const forked = { ...session, fork: { at: NOON } }
    const { after, historyUpdate } = settled(forked, there)
    expect(after).toMatchObject({ visits: 0, firstSeen: NOON + HOUR })
    expect(historyUpdate).toBe(after)
  })

  test('is confirmed by the third visit, a day after the first', () => {
    const at = NOON + DAY
    const witness = { ...home, lastSeen: NOON + HOUR }
    const third = (changes: Partial<Context>, answer: Answer = {}) =>
      settled(
        sessionOf(provisional({ visits: 2, lastSeen: NOON, ...changes }), witness),
        presented(upstairs, laptop, { at }),
        answer,
      ).after

    const newAs = 'network_new_near'
    expect(third({ firstSeen: NOON, newAs })).toMatchObject({ state: 'confirmed', visits: 3 })
    expect(third({ firstSeen: NOON, newAs })).not.toHaveProperty('newAs')
    expect(third({ firstSeen: NOON + 1, newAs })).toMatchObject({ state: 'provisional', newAs })
    expect(third({ firstSeen: NOON, visits: 1 })).toMatchObject({ state: 'provisional' })
    expect(third({ firstSeen: NOON, lastSeen: at - 1 })).toMatchObject({ state: 'provisional' })
    const observed = { standing: 'observe' } as const
    expect(third({ firstSeen: NOON, visits: 3 }, observed)).toMatchObject({ state: 'provisional' })
  })

  test('is confirmed a day after its first visit of any session', () => {
    const there = presented(upstairs, laptop, { at: NOON + DAY })
    const newcomer = provisional({ visits: 2, firstSeen: NOON - MINUTE, lastSeen: NOON })
    const here = { ...newcomer, firstSeen: NOON + HOUR, lastSeen: NOON + HOUR }
    const witness = { ...home, lastSeen: NOON + 2 * HOUR }
    const state = (history: SubjectHistory = past()) =>
      settled(sessionOf(here, witness), there, { history }).after?.state

    expect(state()).toBe('provisional')
    expect(state(past(newcomer))).toBe('confirmed')
  })

  test('is not confirmed by visits since whose first the session was nowhere at home', () => {
    const at = NOON + DAY
    const there = presented(upstairs, laptop, { at })
    const visits = (
      others: readonly Context[],
      firstSeen = NOON - DAY,
      lines: readonly Context[] = [],
    ) => {
      const newcomer = provisional({ visits: 2, firstSeen, lastSeen: firstSeen })
      const history = past({ ...newcomer, firstSeen: NOON - DAY }, ...lines)
      return settled(sessionOf(newcomer, ...others), there, { history }).after
    }

    expect(visits([home])).toMatchObject({ state: 'confirmed', visits: 3 })
    expect(visits([])).toMatchObject({ state: 'provisional', visits: 2 })
    expect(visits([home], NOON)).toMatchObject({ state: 'provisional', visits: 2 })
    const phoneThere = used(lyse, phone, { state: 'provisional' })
    const others = [
      used(lyse, laptop, { state: 'provisional' }),
      used(lyse, laptop, { state: 'challenged' }),
      { ...used(lyse, laptop), sessionOnly: true } as const,
      phoneThere,
    ]
    for (const other of others) {
      expect(visits([other])).toMatchObject({ state: 'provisional', visits: 2 })
    }
    const line = [used(lyse, laptop)]
    expect(visits([phoneThere], NOON - DAY, line)).toMatchObject({ state: 'confirmed', visits: 3 })
    const under = { ...phoneThere, state: 'challenged' } as const
    expect(visits([under], NOON - DAY, line)).toMatchObject({ state: 'provisional', visits: 2 })
  })

  test('is seen by the session as of its last activity', () => {
    const { last, ...rest } = withOther(provisional({ visits: 2, firstSeen: NOON - DAY }))
    const session = { ...rest, last: { ...last, at: NOON + MINUTE } }
    const { after } = settled(session, presented(upstairs, laptop, { at: NOON + DAY }))

    expect(after).toMatchObject({ state: 'confirmed', visits: 3 })
  })

  test('earns no trust with a secret that is long overdue', () => {
    const because = [evidence('secret_overdue', 3, 'R')]
    const at = NOON + DAY
    const newcomer = provisional({ visits: 2, firstSeen: NOON - DAY, lastSeen: NOON - HOUR })
    const late = settled(withOther(newcomer), presented(upstairs, laptop, { at }), { because })
    const enough = settled(
      withOther({ ...newcomer, visits: 3 }),
      presented(upstairs, laptop, { at }),
      { because },
    )
    const fresh = settled(sessionOf(home), presented(lyse, laptop, { at }), { because })

    expect(late.after).toMatchObject({ state: 'provisional', visits: 2 })
    expect(enough.after).toMatchObject({ state: 'provisional', visits: 3 })
    expect(fresh.after).toMatchObject({ state: 'provisional', visits: 0 })
    expect(fresh.historyUpdate).toBeUndefined()
  })

  test('is a visit a day after the last one without any silence, where it is confirmed', () => {
    const { last, ...rest } = sessionOf(home)
    const at = NOON + DAY
    const session = { ...rest, last: { ...last, at: at - 1 } }
    const { after, historyUpdate } = settled(session, presented(oslo, laptop, { at }))

    expect(after).toMatchObject({ state: 'confirmed', visits: 2, lastSeen: at })
    expect(historyUpdate).toBe(after)
    expect(settled(session, presented(oslo, laptop, { at: at - 1 })).next).toBe(session)
  })

  test('tells the past what it was new as, together with its being confirmed', () => {
    const seen = { firstSeen: NOON - HOUR, lastSeen: NOON - HOUR }
    const newcomer = provisional({ visits: 2, ...seen, newAs: 'network_new_near' })
    const session = withOther(newcomer)
    const { historyUpdate } = settled(session, presented(upstairs, laptop, { at: NOON + DAY }))

    expect(historyUpdate).toMatchObject({ state: 'confirmed', newAs: 'network_new_near' })
  })

  test('that is confirmed for its session alone stays so until its subject confirms it', () => {
    const here = { ...attic, sessionOnly: true, firstSeen: NOON - DAY, visits: 2 } as const
    const there = presented(upstairs, laptop, { at: NOON + HOUR })
    const alone = settled(sessionOf(here), there)
    const challengedAgain = settled(sessionOf(here), there, { standing: 'challenge' })
    const known = settled(sessionOf(here), there, { history: past(attic) })
    const witnessed = settled(withOther({ ...here, lastSeen: NOON - HOUR }), there)

    expect(alone.after).toMatchObject({ state: 'confirmed', sessionOnly: true, visits: 2 })
    expect(challengedAgain.after).not.toHaveProperty('sessionOnly')
    expect(known.after).toMatchObject({ state: 'confirmed' })
    expect(known.after).not.toHaveProperty('sessionOnly')
    expect(known.historyUpdate).toBe(known.after)
    expect(witnessed.after).toMatchObject({ state: 'confirmed', visits: 3 })
    expect(witnessed.after).not.toHaveProperty('sessionOnly')
    expect(witnessed.historyUpdate).toBe(witnessed.after)
  })

  test('stays confirmed, also where the past does not know it', () => {
    const session = sessionOf(home)

    expect(settled(session, presented(oslo, laptop, { at: NOON + HOUR })).after?.state).toBe(
      'confirmed',
    )
  })

  test('does not become new as anything later', () => {
    const because = [evidence('network_new_near', 8)]
    const session = withOther(provisional())

    expect(
      settled(session, presented(upstairs, laptop, { at: NOON + HOUR }), { because }).after,
    ).not.toHaveProperty('newAs')
  })
})

describe('what was suspected', () => {
  const at = NOON + 10 * MINUTE
  const there = presented(upstairs, laptop, { at })

  test('is told of once', () => {
    const first = settled(withOther(provisional()), there, { standing: 'challenge' })
    const again = settled(withOther(challenged()), there, { standing: 'challenge' })

    expect(first).toMatchObject({ newlySuspected: true, after: { state: 'challenged', visits: 0 } })
    expect(again).toMatchObject({ newlySuspected: false, after: { state: 'challenged' } })
  })

  test('loses what it had earned, also where the past hopes for it', () => {
    const { after, historyUpdate } = settled(withOther(provisional({ visits: 2 })), there, {
      standing: 'challenge',
      history: past(provisional()),
    })

    expect(after).toMatchObject({ visits: 0, firstSeen: at })
    expect(historyUpdate).toBe(after)
  })

  test('is provisional again where nothing speaks against it, and forgets the readings', () => {
    const { after } = settled(withOther(challenged({ rereads: 3 })), there)

    expect(after).toMatchObject({ state: 'provisional' })
    expect(after).not.toHaveProperty('rereads')
  })

  test('is provisional again also where only the route asks for more', () => {
    const session = withOther(challenged())
    const { after, next } = settled(session, there, { outcome: 'challenge' })

    expect(after).toMatchObject({ state: 'provisional' })
    expect(next.last).toBe(session.last)
  })

  test('is read again eight times when its facts change, and then stays as it is', () => {
    const other = presented(upstairs, { ...laptop, screen: '800x600x1' }, { at })
    const read = (rereads?: number) => {
      const before = challenged(rereads === undefined ? {} : { rereads })
      const result = settled(withOther(before), other, { standing: 'challenge' })
      expect(result.newlySuspected).toBe(false)
      return result.after
    }

    expect(read()).toMatchObject({ rereads: 1, device: { screen: '800x600x1' } })
    expect(read(MAX_REREADS - 1)).toMatchObject({ rereads: MAX_REREADS })
    const stuck = challenged({ rereads: MAX_REREADS })
    const session = withOther(stuck)
    const { next } = settled(session, other, { standing: 'challenge' })
    expect(next).toBe(session)
  })

  test('keeps its count of readings while its facts stay, at the most as well', () => {
    const because = [evidence('network_new_far', 30)]
    for (const rereads of [1, MAX_REREADS]) {
      const session = withOther(challenged({ rereads }))
      const { after } = settled(session, there, { standing: 'challenge', because })
      expect(after).toMatchObject({ rereads, evidence: 30 })
    }
    const never = settled(withOther(challenged()), there, { standing: 'challenge', because })
    expect(never.after).not.toHaveProperty('rereads')
  })
})

describe('a confirmed place that may only read', () => {
  const at = NOON + 10 * MINUTE
  const other = presented(oslo, { ...laptop, screen: '800x600x1' }, { at })
  const limit = { standing: 'limit', outcome: 'limit' } as const

  test('stays confirmed with the facts that it was confirmed with, and is told of', () => {
    const because = [evidence('screen_new', 30, 'D'), evidence('network_new_far', 20)]
    const session = sessionOf(home)
    const { after, next, ...told } = settled(session, other, { ...limit, because })

    expect(after).toMatchObject({ state: 'confirmed', device: laptop, network: oslo, evidence: 50 })
    expect(next.last).toBe(session.last)
    expect(told).toMatchObject({
      newlySuspected: true,
      deviceChanged: false,
      historyUpdate: undefined,
    })
  })

  test('is accused of the greater of what is left and what is found, not of both', () => {
    const carried = evidence('evidence_carried', 40, 'B')
    const limited = (before: number, found: number) => {
      const session = sessionOf({ ...home, evidence: before, evidenceAt: at })
      const because = [carried, evidence('screen_new', found, 'D')]
      return settled(session, other, { ...limit, because })
    }

    expect(limited(40, 30).after).toMatchObject({ evidence: 40, evidenceAt: at })
    expect(limited(40, 50).after).toMatchObject({ evidence: 50 })
    expect(limited(40, 30)).toMatchObject({ newlySuspected: false })
    expect(limited(40, 50)).toMatchObject({ newlySuspected: true })
  })
})

describe('evidence of a context', () => {
  const at = NOON + 30 * MINUTE
  const there = presented(oslo, laptop, { at: at - 1 })
  const observed = (before: Partial<Context>, because: readonly Evidence[]) =>
    settled(sessionOf({ ...home, ...before }), there, { standing: 'observe', because })

  test('is what its own reasons sum to, without what is on another account', () => {
    const because = [
      evidence('screen_new', 9, 'D'),
      evidence('evidence_inherited', 20, 'B'),
      evidence('step_up_failed', 5, 'B'),
      evidence('network_same_block', -3),
    ]
    const { after: context } = observed({}, because)

    expect(context).toMatchObject({ evidence: 6, evidenceAt: at - 1 })
    expect(context?.because.map(({ reason }) => reason)).toEqual([
      'screen_new',
      'network_same_block',
    ])
  })

  test('saves up no credit', () => {
    const { after: context } = observed({ evidence: 5, evidenceAt: NOON }, [evidence('x', -10)])

    expect(context).toMatchObject({ evidence: 0, evidenceAt: at - 1 })
  })

  test('is not written anew while it only fades', () => {
    const session = { evidence: 100, evidenceAt: NOON }
    const fading = observed(session, [evidence('evidence_carried', 37, 'B')])
    const more = observed(session, [evidence('evidence_carried', 38, 'B')])

    expect(fading.after).toMatchObject({ evidence: 100, evidenceAt: NOON })
    expect(more.after).toMatchObject({ evidence: 38, evidenceAt: at - 1 })
  })
})

describe('a move between two places that are known', () => {
  const move = (lastSeen: number, at: number, answer: Answer = {}) => {
    const session = withOther({ ...attic, lastSeen })
    return { session, ...settled(session, presented(upstairs, laptop, { at }), answer) }
  }

  test('is written down once a minute', () => {
    const early = move(NOON - 10 * SECOND, NOON + 50 * SECOND - 1)
    const late = move(NOON - 10 * SECOND, NOON + 50 * SECOND)

    expect(early.next).toBe(early.session)
    expect(late.next.last).toMatchObject({ context: attic.key, at: NOON + 50 * SECOND })
    expect(late.contextChanged).toBe(false)
  })

  test('is none while the request may have been on its way when the other place was used', () => {
    const early = move(NOON - 5 * MINUTE, NOON + 5 * SECOND - 1)
    const late = move(NOON - 5 * MINUTE, NOON + 5 * SECOND)

    expect(early.next).toBe(early.session)
    expect(late.next.last.context).toBe(attic.key)
  })

  test('is a change of context for people from half an hour on', () => {
    const since = NOON - 20 * MINUTE

    expect(move(since, since + VISIT_GAP_MS - 1).contextChanged).toBe(false)
    expect(move(since, since + VISIT_GAP_MS).contextChanged).toBe(true)
    const refused = move(since, since + VISIT_GAP_MS, { outcome: 'challenge' })
    expect(refused.contextChanged).toBe(false)
  })

  test('notes when the place that was left was used last', () => {
    const before = sessionOf(used(lyse, laptop), attic, home)
    const session = { ...before, last: { ...before.last, at: NOON + MINUTE } }
    const there = presented(upstairs, laptop, { at: NOON + 10 * MINUTE })
    const lastSeen = ({ next }: Settled) => next.contexts.map((context) => context.lastSeen)

    expect(lastSeen(settled(session, there))).toEqual([NOON, NOON + 10 * MINUTE, NOON + MINUTE])
    const ahead = { ...session, last: { ...before.last, at: NOON - MINUTE } }
    expect(lastSeen(settled(ahead, there))).toEqual([NOON, NOON + 10 * MINUTE, NOON])
  })

  test('does not move on a request that is refused', () => {
    const { next, session } = move(NOON - HOUR, NOON + HOUR, { outcome: 'deny' })

    expect(next.last).toBe(session.last)
    expect(findContext(next.contexts, attic.key)?.visits).toBe(2)
  })
})

describe('a return from another place moments after leaving', () => {
  const session = sessionOf(home, used(lyse, laptop))
  const back = presented(oslo, laptop, { at: NOON + 20 * SECOND })
  const noted = [{ at: NOON + 20 * SECOND, from: contextKey(lyse, laptop), to: home.key }]

  test('is noted, and is a move however short the time', () => {
    const { next, contextChanged } = settled(session, back)

    expect(next.switchBacks).toEqual(noted)
    expect(next.last).toMatchObject({ context: home.key, at: NOON + 20 * SECOND })
    expect(contextChanged).toBe(false)
  })

  test('is noted where it is refused, and is no move then', () => {
    const { next } = settled(session, back, { outcome: 'deny' })

    expect(next.switchBacks).toEqual(noted)
    expect(next.last).toBe(session.last)
  })

  test('leaves what was noted before as it is where there is none', () => {
    const before = { ...session, switchBacks: noted }
    const { next } = settled(before, presented(lyse, laptop, { at: NOON + HOUR }))

    expect(next).not.toBe(before)
    expect(next.switchBacks).toBe(noted)
  })
})

describe('facts that change in one place', () => {
  const at = NOON + MINUTE
  const other = { ...laptop, screen: '800x600x1' }

  test('are written, and told of as a changed device', () => {
    const { next, after, deviceChanged, contextChanged, historyUpdate } = settled(
      sessionOf(home),
      presented(oslo, other, { at }),
    )

    expect(after?.device).toBe(other)
    expect(next.last).toMatchObject({ context: home.key, device: other, at })
    expect({ deviceChanged, contextChanged, historyUpdate }).toEqual({
      deviceChanged: true,
      contextChanged: false,
      historyUpdate: undefined,
    })
  })

  test('are no changed device on a request that is refused', () => {
    const session = sessionOf(home)
    const { next, deviceChanged } = settled(session, presented(oslo, other, { at }), {
      outcome: 'challenge',
    })

    expect(deviceChanged).toBe(false)
    expect(next.last).toBe(session.last)
  })

  test('are written where only the provider has changed', () => {
    const there = { ...oslo, asn: 64500 }
    const { next, after, deviceChanged } = settled(
      sessionOf(home),
      presented(there, laptop, { at }),
    )

    expect(after?.network).toBe(there)
    expect(next.last.network).toBe(there)
    expect(deviceChanged).toBe(false)
  })

  test('are written where the session was last seen with others', () => {
    const session = { ...sessionOf(home), last: { ...sessionOf(home).last, device: other } }
    const { next } = settled(session, presented(oslo, laptop, { at }))

    expect(next.last).toMatchObject({ device: laptop, at })
    const refused = settled(session, presented(oslo, laptop, { at }), { outcome: 'deny' })
    expect(refused.next).toBe(session)
  })
})

test('what a context was new as is settled once it is confirmed, and not before', () => {
  const waiting = provisional({ newAs: 'network_new_near' })
  const { newAs: _learnt, ...rest } = waiting

  expect(withoutLearnt(waiting)).toBe(waiting)
  expect(withoutLearnt({ ...waiting, state: 'confirmed' })).toStrictEqual({
    ...rest,
    state: 'confirmed',
  })
  expect(withoutLearnt(home)).toBe(home)
})
