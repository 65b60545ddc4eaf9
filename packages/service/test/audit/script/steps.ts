import type { RequestFacts } from 'holdfast'
import { expect } from 'vitest'
import { abroad, atHome, onTheTrain } from '../../../../holdfast/test/support/people.ts'
import { type People, people } from './people.ts'
import type { Way } from './way.ts'

/** One thing that somebody does, and the events that it causes, in order. */
export interface Step {
  readonly what: string
  readonly run: (way: Way) => Promise<unknown>
  /** Type and reason. `~` in front: it is told, and not kept. */
  readonly events: readonly string[]
  /** What only a gate can see. */
  readonly gateOnly?: true
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** The session limit of the estate that the steps are for. */
export const SESSION_LIMIT = 3
/** A tenant that soon lets nobody do more than read. */
export const CAREFUL_TENANT = 'bank'
export const CAREFUL = { observe: 6, challenge: 15, limit: 25 }

/** Lets the first secret of a family be due for rotation. */
const DUE = 6 * MINUTE
/** Longer than a predecessor is good for. */
const STALE = 3 * MINUTE

const tokyo = (): RequestFacts =>
  atHome({ ip: '192.88.99.7', client: { screen: '2560x1440x1', timezone: 'Asia/Tokyo' } })

/** The owner's network, browser family and system, and nothing else of the owner. */
function halfCopy(): RequestFacts {
  const headers = { ...atHome().headers, 'accept-language': 'ru', 'sec-ch-ua-platform': '"Linux"' }
  const hints = { 'sec-ch-ua': '"Chromium";v="100"' }
  const client = { screen: '800x600x1', timezone: 'Asia/Tokyo' }
  return atHome({ ip: '192.0.2.99', headers: { ...headers, ...hints }, client })
}

const later = (ms: number, run: Step['run']) => (way: Way) => {
  way.advance(ms)
  return run(way)
}

/** What people do, and what they were given by it. */
export interface Script extends Pick<People, 'issued'> {
  readonly steps: readonly Step[]
}

/** The steps, with what their people hold. New ones for each way. */
export function script(): Script {
  const { of, idOf, login, shows, begins, answers, fails, renews, copies, issued } = people()
  const all: Step[] = []

  function step(what: string, run: Step['run'], ...events: readonly string[]): void {
    all.push({ what, run, events })
  }

  const failedLogin = (way: Way) =>
    way.sessions.report({ kind: 'login_failed', subject: 'ada', request: abroad() })

  // A day at home and on the way.
  step('somebody guesses a password', failedLogin, 'login-failed')
  step('and another one', failedLogin, 'login-failed')
  step('ada logs in at home', login('ada', { acr: 'urn:pwd' }), 'session-established default')
  step('she opens a page', shows('ada', 'ok'))
  step('she reads', later(3 * MINUTE, shows('ada', 'ok')), '~session-presented')
  // What is replaced tells that it was shown: no sample is told beside it.
  step('her secret is replaced', later(DUE, shows('ada', 'ok')))
  step('she shows the new one', shows('ada', 'ok'), 'secret-rotated')
  step('once more', shows('ada', 'ok'))
  step('she takes a train', later(HOUR, shows('ada', 'ok', onTheTrain())), 'context-changed')
  step(
    'a page there asks for a network that is known',
    shows('ada', 'step_up_required', onTheTrain(), { sensitivity: 'sensitive' }),
    'step-up-required network_unconfirmed',
  )
  step(
    'she is back, with the secret that the train brought',
    later(HOUR, shows('ada', 'ok')),
    'context-changed',
    'secret-rotated',
  )
  step(
    'ada opens what a second factor is asked for',
    shows('ada', 'step_up_required', atHome(), { acr: 'urn:mfa' }),
    'step-up-required acr_missing',
  )
  step('and again', shows('ada', 'step_up_required', atHome(), { acr: 'urn:mfa' }))
  step('she is asked', begins('ada', atHome()), 'step-up-required step_up_begun')
  step('she mistypes', fails('ada', atHome()), 'step-up-failed factor_not_proved')
  step('she is asked again, which is a repetition', begins('ada', atHome()))
  step('she proves it', answers('ada', 'ok'), 'step-up-completed otp')
  step('the answer was lost', answers('ada', 'ok'), 'step-up-completed answered_again')
  step(
    'a copy of the answer comes late',
    later(2 * MINUTE, answers('ada', 'challenge_invalid')),
    'step-up-failed challenge_used',
  )
  step(
    'the secret of before comes back',
    shows('ada before', 'token_superseded'),
    'token-reused token_superseded',
  )
  step('ada opens it now', shows('ada', 'ok', atHome(), { acr: 'urn:mfa' }))

  // A stolen cookie.
  step('a thief copies her cookie', copies('ada', 'ada thief'))
  step(
    'the thief shows it abroad',
    shows('ada thief', 'step_up_required', abroad()),
    'anomaly-detected',
    'step-up-required evidence',
  )
  step('the thief tries again', shows('ada thief', 'step_up_required', abroad()))
  step('ada works on, with another secret', later(3 * MINUTE, shows('ada', 'ok')))
  step('the thief is asked', begins('ada thief', abroad()), 'step-up-required step_up_begun')
  step('the thief guesses', fails('ada thief', abroad()), 'step-up-failed factor_not_proved')
  step(
    'somebody answers for another person',
    answers('ada thief', 'challenge_invalid', abroad(), 'grace'),
    'step-up-failed challenge_invalid',
  )
  step(
    'ada says that it was not her',
    ({ sessions }) => sessions.report({ kind: 'not_me', session: idOf('ada') }),
    'session-revoked not_me',
  )
  step(
    'the thief comes back',
    later(2 * SECOND, shows('ada thief', 'session_unknown', abroad())),
    '~token-unknown session_unknown',
  )

  // A journey that nobody can make.
  step('tove logs in', login('tove'), 'session-established default')
  step(
    'she is in Tokyo ten minutes later',
    later(10 * MINUTE, shows('tove', 'step_up_required', tokyo())),
    'anomaly-detected',
    'step-up-required travel_impossible',
  )
  step('she is asked there', begins('tove', tokyo()), 'step-up-required step_up_begun')
  step('she proves it there', answers('tove', 'ok', tokyo()), 'step-up-completed otp')
  step(
    'that was a false alarm',
    ({ sessions }) => sessions.report({ kind: 'false_alarm', session: idOf('tove') }),
    'false-alarm-reported false_alarm',
  )

  // Two holders of one secret.
  step('kim logs in', login('kim'), 'session-established default')
  step('a thief copies the cookie', copies('kim', 'kim thief'))
  step('the secret is replaced', later(DUE, shows('kim', 'ok')))
  step('kim shows the new one', shows('kim', 'ok'), 'secret-rotated')
  step(
    'the thief shows the old one',
    later(STALE, shows('kim thief', 'step_up_required')),
    'token-reused secret_forked',
    'anomaly-detected',
    'step-up-required secret_forked',
  )
  step('kim is asked, too', shows('kim', 'step_up_required'))
  step('kim is asked for a factor', begins('kim', atHome()), 'step-up-required step_up_begun')
  step('kim passes', answers('kim', 'ok'), 'step-up-completed otp')
  step('the thief is out', shows('kim thief', 'token_superseded'), 'token-reused token_superseded')

  // Refresh tokens.
  step('grace logs in', login('grace', { refresh: true }), 'session-established default')
  step(
    'she renews',
    later(10 * MINUTE, renews('grace refresh', 'ok')),
    '~session-presented',
    '~session-refreshed rotated',
  )
  step(
    'and once more',
    later(10 * MINUTE, renews('grace refresh next', 'ok')),
    '~session-refreshed rotated',
  )
  step(
    'her refresh token is shown as a session',
    later(2 * SECOND, shows('grace refresh', 'wrong_token_use')),
    '~token-unknown wrong_token_use',
  )
  step(
    'her first refresh token is used abroad',
    later(10 * MINUTE, renews('grace refresh', 'session_revoked', abroad())),
    'token-reused refresh_reused',
    'anomaly-detected',
    'session-revoked refresh_reused',
  )

  // Limits and ends.
  for (let n = 1; n <= SESSION_LIMIT; n++) {
    step(`linus logs in on device ${n}`, login(`linus ${n}`), 'session-established default')
  }
  step(
    'one device too many',
    async (way) => expect(await login('linus 4')(way)).toBe('session_limit_reached'),
    'login-refused session_limit_reached',
  )
  step(
    'he logs out of one',
    ({ sessions }) => sessions.logout(of('linus 1')),
    'session-revoked logout',
  )
  step('twice', ({ sessions }) => sessions.logout(of('linus 1')))
  step(
    'the cookie comes once more',
    later(2 * SECOND, shows('linus 1', 'session_unknown')),
    '~token-unknown session_unknown',
  )
  step(
    'he logs in over another session',
    async (way) => login('linus 4', { previous: of('linus 2') })(way),
    'session-revoked replaced_by_login',
    'session-established default',
  )
  step(
    'he fills his cart',
    ({ sessions }) =>
      sessions.patchAttributes(idOf('linus 3'), { cart: 1 }, 0, { subject: 'linus' }),
    'attributes-changed',
  )
  step(
    'he logs out everywhere',
    ({ sessions }) =>
      sessions.revokeSubject({ subject: 'linus' }, { reason: 'log_out_everywhere' }),
    'subject-revoked log_out_everywhere',
  )
  step(
    'his cookie is shown',
    later(2 * SECOND, shows('linus 3', 'session_unknown')),
    '~token-unknown session_unknown',
  )
  step(
    'garbage is shown',
    later(2 * SECOND, async (way) => {
      expect((await way.show('hf1.garbage', atHome())).code).toBe('token_malformed')
    }),
    '~token-unknown token_malformed',
  )

  // A careful tenant.
  step(
    'per logs in to the bank',
    login('per', { tenant: CAREFUL_TENANT }),
    'session-established default',
  )
  step(
    'a half copy may only read',
    shows('per', 'ok', halfCopy()),
    'anomaly-detected',
    'session-limited',
  )

  // Operators.
  step('mia logs in', login('mia'), 'session-established default')
  step(
    'and in another browser',
    login('mia 2', { request: onTheTrain() }),
    'session-established default',
  )
  step(
    'an operator looks',
    ({ operator }) => operator.look(idOf('mia')),
    'admin-acted session_viewed',
  )
  step(
    'an operator looks for more',
    ({ operator }) => operator.list('mia'),
    'admin-acted sessions_listed',
  )
  step(
    'an operator writes a note',
    ({ operator }) => operator.patch(idOf('mia')),
    'attributes-changed',
    'admin-acted attributes_changed',
  )
  step(
    'an operator ends one session',
    ({ operator }) => operator.end(idOf('mia 2')),
    'session-revoked stolen_laptop',
    'admin-acted session_revoked',
  )
  step(
    'an operator ends all of them',
    ({ operator }) => operator.endAll('mia'),
    'subject-revoked stolen_laptop',
    'admin-acted subject_revoked',
  )

  // Keys, and a store that is away.
  step('olav logs in', login('olav'), 'session-established default')
  step('the keys are rotated', (way) => way.rotateKeys(), 'key-rotated sealing')
  step('his session goes on', later(3 * MINUTE, shows('olav', 'ok')), '~session-presented')
  step('nothing happens while the store is away', (way) =>
    way.outage(async () => {
      await shows('olav', 'store_unavailable')(way)
      await expect(login('olav 2')(way)).rejects.toMatchObject({ code: 'store_unavailable' })
    }),
  )
  step('it is back', shows('olav', 'ok'))

  all.push({
    what: 'a page of another site uses his cookie',
    run: (way) => (way.crossSite as NonNullable<Way['crossSite']>)(of('olav')),
    events: ['~request-refused cross_site_request'],
    gateOnly: true,
  })

  // Time.
  step(
    'olav comes back after lunch and dinner',
    later(3 * HOUR, shows('olav', 'session_expired')),
    'session-expired idle_timeout',
  )
  step('and asks again', shows('olav', 'session_expired'))
  step('olav logs in anew', login('olav'), 'session-established default')
  step(
    'his password is changed',
    ({ sessions }) => sessions.report({ kind: 'credential_changed', subject: 'olav' }),
    'subject-revoked credential_changed',
  )
  step('olav logs in once more', login('olav'), 'session-established default')
  step(
    'his account is closed',
    ({ sessions }) => sessions.report({ kind: 'account_disabled', subject: 'olav' }),
    'subject-revoked account_disabled',
  )
  return { steps: all, issued }
}
