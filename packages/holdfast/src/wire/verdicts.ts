import { CALL_METHODS, type SensitiveCall } from '../core/sensitive-calls.ts'
import type {
  Created,
  Refreshed,
  RefreshStatus,
  Requirements,
  StepUpBegun,
  Verification,
} from '../core/sessions.ts'
import {
  described,
  exactly,
  flag,
  integer,
  list,
  object,
  oneOf,
  optional,
  text,
  variants,
  type Wire,
} from './describe.ts'
import { eventDevice, eventNetwork } from './events.ts'
import { decision, passingDecision, session, trustingDecision } from './sessions.ts'
import { instant, refusalCode } from './words.ts'

/**
 * The answers to a presentation, a login, a refresh token, a step-up. `ok` tells the variants
 * apart.
 */

type Passed<T> = Extract<T, { readonly ok: true }>
type Refused<T> = Extract<T, { readonly ok: false }>

const requirements = object<Requirements>('Requirements', {
  acr: optional(text()),
  maxAgeMs: optional(described(integer(), 'ms since authentication at most')),
  sensitivity: optional(described(exactly('sensitive'), 'Asks for a confirmed network')),
})

const issued = {
  accessToken: optional(described(text(), 'RFC 9068, where one was asked for or is usual')),
  expiresIn: optional(described(integer(), 'Seconds that are left of the access token')),
}

const persistent = described(flag, 'The cookie outlives the browser')

export const createdSession = object<Passed<Created>>('Created', {
  ok: exactly(true),
  session,
  token: text(),
  refreshToken: optional(described(text(), 'Where the login asked for one')),
  decision,
  persistent,
})

export const refusedLogin = object<Refused<Created>>('RefusedLogin', {
  ok: exactly(false),
  code: oneOf(['session_limit_reached', 'login_superseded']),
})

const sensitiveCall = object<SensitiveCall>('SensitiveCall', {
  at: instant,
  method: oneOf(CALL_METHODS),
  network: eventNetwork,
  device: eventDevice,
  here: described(flag, 'From the place and browser that passed'),
})

const accepted = object<Passed<Verification>>('Accepted', {
  ok: exactly(true),
  decision: passingDecision,
  session,
  token: optional(described(text(), 'Where a new one is to be delivered')),
  refreshToken: optional(described(text(), 'With a completed step-up')),
  persistent,
  ...issued,
  meanwhile: optional(
    described(
      list(sensitiveCall),
      'With a step-up that ended a fork: sensitive calls while two may have held the session',
    ),
  ),
})

const refused = object<Refused<Verification>>('Refused', {
  ok: exactly(false),
  code: refusalCode,
  decision: optional(decision),
  requirements: optional(requirements),
})

export const verification: Wire<Verification> = variants('Verification', 'ok', [accepted, refused])

const refreshStatus: Wire<RefreshStatus> = oneOf(['rotated', 'kept', 'in_flight'])

export const refreshedTokens = object<Passed<Refreshed>>('Refreshed', {
  ok: exactly(true),
  decision: trustingDecision,
  session,
  status: described(refreshStatus, 'What became of the refresh token'),
  refreshToken: optional(described(text(), 'Its successor. Absent: keep yours')),
  persistent,
  ...issued,
})

export const refusedRefresh = object<Refused<Refreshed>>('RefusedRefresh', {
  ok: exactly(false),
  code: refusalCode,
  decision: optional(decision),
  requirements: optional(requirements),
})

const stepUpChallenge = object<Passed<StepUpBegun>>('StepUpChallenge', {
  ok: exactly(true),
  challenge: text(),
  expiresAt: instant,
  subject: text(),
  tenant: text(),
  factors: list(text()),
  decision,
})

const stepUpRefused = object<Refused<StepUpBegun>>('StepUpRefused', {
  ok: exactly(false),
  code: refusalCode,
  decision: optional(decision),
})

export const stepUpBegun: Wire<StepUpBegun> = variants('StepUpBegun', 'ok', [
  stepUpChallenge,
  stepUpRefused,
])
