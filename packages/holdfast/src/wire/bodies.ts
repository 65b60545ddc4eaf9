import { LIMITS } from '../core/request.ts'
import type { Login, Ordered, Presented, Proof, Report } from '../core/sessions.ts'
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
import { MAX_BATCH } from './lines.ts'
import { requestFacts } from './request-facts.ts'
import {
  attributes,
  challenge,
  instant,
  sessionId,
  subject,
  tenant,
  token,
  traced,
  word,
} from './words.ts'

/** The bodies that callers send. */

const kept = described(sessionId, 'The session of this subject that goes on')

const words = list(word, { max: LIMITS.amr })

/** Body of a login. */
export const login = object<Login>('Login', {
  subject,
  tenant: optional(tenant),
  class: optional(
    described(word, 'Names the lifetimes: `default`, `remember`, or one of your own'),
  ),
  acr: optional(word),
  amr: optional(words),
  authenticatedAt: optional(described(instant, 'When it was proved (UTC, ms); default now')),
  factors: optional(words),
  attributes: optional(attributes),
  refresh: optional(described(flag, 'Also gives a refresh token')),
  previous: optional(token),
  request: requestFacts,
  ...traced,
})

/** Body of whatever judges one presentation of a token. */
export const presented = object<Presented>('Presented', {
  token,
  request: requestFacts,
  sensitivity: optional(oneOf(['normal', 'sensitive'])),
  acr: optional(word),
  maxAgeMs: optional(described(integer({ min: 1 }), 'ms since authentication at most')),
  activity: optional(
    described(
      oneOf(['active', 'passive']),
      '`passive`: a poll; judged as ever, and neither keeps the session alive nor earns trust',
    ),
  ),
  waitedMs: optional(described(integer({ min: 0 }), 'ms since the request was received')),
  deliverable: optional(described(flag, 'The answer can carry a cookie')),
  audience: optional(
    described(
      text({ min: 1, max: 128 }),
      'Asks for an access token for this service, one of the setting `audiences`',
    ),
  ),
  ...traced,
})

/** Body that completes a step-up. */
export const proof = object<Proof>('Proof', {
  challenge,
  token,
  request: requestFacts,
  subject,
  tenant: optional(tenant),
  acr: optional(word),
  amr: optional(words),
  ...traced,
})

type ReportOf<Kind> = Extract<Report, { readonly kind: Kind }>

const about = { subject, tenant: optional(tenant), ...traced }

/** Body of a report. */
export const report: Wire<Report> = variants('Report', 'kind', [
  object<ReportOf<'login_failed'>>('LoginFailed', {
    kind: exactly('login_failed'),
    ...about,
    request: optional(requestFacts),
  }),
  object<ReportOf<'credential_changed'>>('CredentialChanged', {
    kind: exactly('credential_changed'),
    ...about,
    except: optional(kept),
  }),
  object<ReportOf<'account_disabled'>>('AccountDisabled', {
    kind: exactly('account_disabled'),
    ...about,
  }),
  object<ReportOf<'step_up_failed'>>('StepUpFailed', {
    kind: exactly('step_up_failed'),
    challenge,
    token,
    request: requestFacts,
    ...traced,
  }),
  object<ReportOf<'not_me'>>('NotMe', {
    kind: exactly('not_me'),
    session: sessionId,
    ...traced,
  }),
  object<ReportOf<'false_alarm'>>('FalseAlarm', {
    kind: exactly('false_alarm'),
    session: sessionId,
    ...traced,
  }),
])

/**
 * What travels of an order. Who gave it is the name of the API key; of a logout it is the client.
 */
type Order = Omit<Ordered, 'actor'>

const reason = described(
  text({
    pattern: { source: '^[a-z][a-z0-9_]{0,63}$', problem: 'must be a code in snake_case' },
  }),
  'Why, as a stable code, for example `logout_everywhere`',
)

const order = { reason, ...traced }

/** Ends the session of a token. */
export interface LogoutBody extends Partial<Order> {
  readonly token: string
}

/** Body of a logout. */
export const logoutBody = object<LogoutBody>('Logout', {
  token,
  reason: optional(reason),
  ...traced,
})

/** Ends one session; with the owner, only where it is theirs. */
export interface RevokeBody extends Order {
  readonly subject?: string
  readonly tenant?: string
}

/** Body of the order to end one session. */
export const revokeBody = object<RevokeBody>('RevokeSession', {
  ...order,
  subject: optional(subject),
  tenant: optional(tenant),
})

/** Ends all sessions of the subject that the path names. */
export interface RevokeSubjectBody extends Order {
  readonly except?: string
}

/** Body of the order to end all sessions of a subject. */
export const revokeSubjectBody = object<RevokeSubjectBody>('RevokeSubject', {
  ...order,
  except: optional(kept),
})

/** Several presentations at once. */
export interface BatchBody {
  readonly presented: readonly Presented[]
}

/** Body of several verifications at once. */
export const batchBody = object<BatchBody>('Batch', {
  presented: list(presented, { min: 1, max: MAX_BATCH }),
})

/** RFC 7662 and RFC 7009 name the fields. */
export interface TokenBody {
  readonly token: string
  readonly token_type_hint?: string
}

/** Body of an introspection, or of a revocation by token. */
export const tokenBody = object<TokenBody>('TokenRequest', {
  token,
  token_type_hint: optional(described(text({ max: 64 }), 'Not needed: tokens say what they are')),
})
