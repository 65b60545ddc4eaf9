import { z } from '@hono/zod-openapi'
import { LIMITS, RELEVANT_HEADERS } from 'holdfast'
import { EVENT_TYPES } from 'holdfast/maintenance'
import { attributes, instant, sessionId, subject, tenant, token, word } from './words.ts'

/** What callers send: the schemas check it, and the OpenAPI document is made from them. */

const headers = z
  .record(
    z.string().regex(/^[a-z0-9-]{1,64}$/, 'must be a lower-case header name'),
    z.union([
      z.string().max(LIMITS.headerValue),
      z.array(z.string().max(LIMITS.headerValue)).max(16),
    ]),
  )
  .refine(
    (all) => Object.keys(all).length <= LIMITS.headers,
    `must not have more than ${LIMITS.headers} names`,
  )
  .openapi({
    description: `By lower-case name. These are looked at: ${RELEVANT_HEADERS.join(', ')}. Send those that the client sent, as it sent them, and no others: others are not looked at, and count towards the limits all the same (${LIMITS.headers} names, ${LIMITS.headerValue} characters a value).`,
  })

const clientFacts = z
  .strictObject({
    screen: z.string().max(LIMITS.clientFact).optional(),
    timezone: z.string().max(LIMITS.clientFact).optional(),
    languages: z.array(z.string().max(LIMITS.clientFact)).max(LIMITS.languages).optional(),
    platform: z.string().max(LIMITS.clientFact).optional(),
    touch: z.number().min(0).max(1_000).optional(),
  })
  .openapi('ClientFacts')

const requestFacts = z
  .strictObject({
    ip: z
      .string()
      .max(LIMITS.address)
      .nullable()
      .describe('The client address as the caller resolved it'),
    method: z.string().min(1).max(LIMITS.method),
    url: z.string().max(LIMITS.url),
    headers,
    client: clientFacts.optional(),
    tls: z
      .string()
      .min(1)
      .max(LIMITS.word)
      .optional()
      .describe(
        'JA4 of the TLS handshake, as whoever ended the TLS connection measured it; never what the client sent',
      ),
  })
  .openapi('RequestFacts')

const correlation = z.string().min(1).max(LIMITS.word).optional()

export const login = z
  .strictObject({
    subject,
    tenant: tenant.optional(),
    class: word.optional(),
    acr: word.optional(),
    amr: z.array(word).max(LIMITS.amr).optional(),
    authenticatedAt: instant.optional().describe('When it was proved; default now'),
    factors: z.array(word).max(LIMITS.amr).optional(),
    attributes: attributes.optional(),
    refresh: z.boolean().optional().describe('Also gives a refresh token'),
    previous: token.optional(),
    request: requestFacts,
    correlation,
  })
  .openapi('Login')

export const presented = z
  .strictObject({
    token,
    request: requestFacts,
    sensitivity: z.enum(['normal', 'sensitive']).optional(),
    acr: word.optional(),
    maxAgeMs: z.int().positive().optional().describe('ms since authentication at most'),
    waitedMs: z.int().nonnegative().optional().describe('ms since the request was received'),
    deliverable: z.boolean().optional().describe('The answer can carry a cookie'),
    audience: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe('Asks for an access token for this service, one of the setting `audiences`'),
    correlation,
  })
  .openapi('Presented')

export const batch = z
  .strictObject({ presented: z.array(presented).min(1).max(64) })
  .openapi('Batch')

export const logout = z.strictObject({ token, correlation }).openapi('Logout')

/** RFC 7662 and RFC 7009 name the fields. The hint is not needed: tokens say what they are. */
export const tokenRequest = z
  .strictObject({ token, token_type_hint: z.string().max(64).optional() })
  .openapi('TokenRequest')

export const proof = z
  .strictObject({
    challenge: z.string().min(1).max(4_096),
    token,
    request: requestFacts,
    subject,
    tenant: tenant.optional(),
    acr: word.optional(),
    amr: z.array(word).max(LIMITS.amr).optional(),
    correlation,
  })
  .openapi('Proof')

const of = { subject, tenant: tenant.optional() }
const about = { ...of, correlation }

export const report = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('login_failed'), ...about, request: requestFacts.optional() }),
    z.strictObject({
      kind: z.literal('credential_changed'),
      ...about,
      except: sessionId.optional(),
    }),
    z.strictObject({ kind: z.literal('account_disabled'), ...about }),
    z.strictObject({
      kind: z.literal('step_up_failed'),
      challenge: z.string().min(1).max(4_096),
      token,
      request: requestFacts,
      correlation,
    }),
    z.strictObject({ kind: z.literal('not_me'), session: sessionId, correlation }),
    z.strictObject({ kind: z.literal('false_alarm'), session: sessionId, correlation }),
  ])
  .openapi('Report')

export const mergePatch = attributes

const reason = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}$/, 'must be a code in snake_case')
  .describe('Why, as a stable code, for example `logout_everywhere`')

export const revokeSession = z
  .strictObject({ reason, ...about, subject: subject.optional() })
  .openapi('RevokeSession')

export const revokeSubject = z
  .strictObject({ reason, except: sessionId.optional(), correlation })
  .openapi('RevokeSubject')

export const sessionParams = z.strictObject({ id: sessionId })
export const subjectParams = z.strictObject({ subject })
export const tenantQuery = z.strictObject({ tenant: tenant.optional() })
export const ownerQuery = z.strictObject({ subject: subject.optional(), tenant: tenant.optional() })

const count = (max: number): z.ZodType<number | undefined> =>
  z
    .string()
    .regex(/^[1-9]\d{0,3}$/, `must be a whole number from 1 to ${max}`)
    .transform(Number)
    .refine((value) => value <= max, `must be a whole number from 1 to ${max}`)
    .optional()
    .openapi({ type: 'integer', minimum: 1, maximum: max })

const cursor = z
  .string()
  .regex(/^[A-Za-z0-9_.:~=-]{1,2048}$/, 'must be a cursor from an earlier answer')

export const pageQuery = z.strictObject({
  tenant: tenant.optional(),
  limit: count(200),
  after: cursor.optional(),
})

export const eventsQuery = z.strictObject({
  session: sessionId.optional(),
  subject: subject.optional(),
  tenant: tenant.optional(),
  type: z.enum(EVENT_TYPES).optional(),
  after: cursor.optional(),
  limit: count(1_000),
})

export const revocationsQuery = z.strictObject({ after: cursor.optional() })
