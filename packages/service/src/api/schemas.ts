import { z } from '@hono/zod-openapi'
import { type Attributes, CODES, EVENT_TYPES, LIMITS } from 'holdfast'

/** What callers send and get, as schemas: they check what comes in, and the OpenAPI document is made from them. */

const word = z.string().min(1).max(LIMITS.word)
const subject = z.string().min(1).max(LIMITS.subject)
const tenant = z.string().min(1).max(LIMITS.tenant)
const instant = z.int().describe('UTC, ms since the epoch')

const sessionId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, 'must be a session id')
  .describe('Public id of a session; never a secret')

const token = z.string().min(1).max(8_192).describe('What the client carries. A secret.')

const attributes: z.ZodType<Attributes> = z.record(z.string(), z.json()).openapi('Attributes', {
  type: 'object',
  additionalProperties: true,
  description: `The application's own JSON object, at most ${LIMITS.attributesBytes} bytes`,
})

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
    ip: z.string().max(64).nullable().describe('The client address as the caller resolved it'),
    method: z.string().min(1).max(LIMITS.method),
    url: z.string().max(LIMITS.url),
    headers,
    client: clientFacts.optional(),
  })
  .openapi('RequestFacts')

export const login = z
  .strictObject({
    subject,
    tenant: tenant.optional(),
    class: word.optional(),
    acr: word.optional(),
    amr: z.array(word).max(LIMITS.amr).optional(),
    factors: z.array(word).max(LIMITS.amr).optional(),
    attributes: attributes.optional(),
    previous: token.optional(),
    request: requestFacts,
  })
  .openapi('Login')

export const presented = z
  .strictObject({
    token,
    request: requestFacts,
    sensitivity: z.enum(['normal', 'sensitive']).optional(),
    acr: word.optional(),
    freshWithin: z.int().positive().optional().describe('ms since authentication at most'),
    deliverable: z.boolean().optional().describe('The answer can carry a cookie'),
    correlation: z.string().min(1).max(LIMITS.word).optional(),
  })
  .openapi('Presented')

export const batch = z
  .strictObject({ presented: z.array(presented).min(1).max(64) })
  .openapi('Batch')

export const logout = z.strictObject({ token }).openapi('Logout')

export const proof = z
  .strictObject({
    challenge: z.string().min(1).max(4_096),
    token,
    request: requestFacts,
    subject,
    tenant: tenant.optional(),
    acr: word.optional(),
    amr: z.array(word).max(LIMITS.amr).optional(),
  })
  .openapi('Proof')

const of = { subject, tenant: tenant.optional() }

export const report = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('login_failed'), ...of, request: requestFacts.optional() }),
    z.strictObject({ kind: z.literal('credential_changed'), ...of, except: sessionId.optional() }),
    z.strictObject({ kind: z.literal('account_disabled'), ...of }),
    z.strictObject({
      kind: z.literal('step_up_failed'),
      challenge: z.string().min(1).max(4_096),
      token,
      request: requestFacts,
    }),
    z.strictObject({ kind: z.literal('not_me'), session: sessionId }),
    z.strictObject({ kind: z.literal('false_alarm'), session: sessionId }),
  ])
  .openapi('Report')

export const mergePatch = attributes

const why = word.describe('Why, as a stable code, for example `logout_everywhere`')

export const revokeSession = z
  .strictObject({ why, ...of, subject: subject.optional() })
  .openapi('RevokeSession')

export const revokeSubject = z
  .strictObject({ why, except: sessionId.optional() })
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

const evidence = z
  .object({
    group: z.enum(['N', 'D', 'C', 'R', 'K', 'B', 'P']),
    reason: z.string(),
    weight: z.int().describe('Decibans'),
    detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    text: z.string(),
  })
  .openapi('Evidence')

const decision = z
  .object({
    outcome: z.enum(['allow', 'observe', 'challenge', 'limit', 'deny', 'revoke']),
    score: z.int(),
    because: z.array(evidence),
  })
  .openapi('Decision')

const sessionFields = {
  id: sessionId,
  subject,
  tenant,
  class: word,
  acr: z.string().nullable(),
  amr: z.array(z.string()),
  authenticatedAt: instant,
  createdAt: instant,
  expiresAt: instant,
  idleMs: z.int(),
  attributes,
  attributesVersion: z.int(),
  formToken: z.string(),
}

const session = z.object(sessionFields).openapi('Session')

const network = z
  .object({
    address: z.string().nullable(),
    prefix: z.string().nullable(),
    block: z.string().nullable(),
    asn: z.int().nullable(),
    organisation: z.string().nullable(),
    kind: z.string(),
    country: z.string().nullable(),
    city: z.string().nullable(),
    latitude: z.number().nullable(),
    longitude: z.number().nullable(),
    radiusKm: z.number().nullable(),
  })
  .openapi('Network')

const device = z
  .object({
    family: z.string(),
    major: z.int().nullable(),
    os: z.string(),
    mobile: z.boolean(),
    languages: z.array(z.string()),
    hints: z.object({ family: z.string(), major: z.int().nullable(), os: z.string() }).nullable(),
    screen: z.string().nullable(),
    timezone: z.string().nullable(),
  })
  .openapi('Device')

const context = z
  .object({
    key: z.string(),
    state: z.enum(['confirmed', 'provisional', 'challenged']),
    network,
    device,
    firstSeen: instant,
    lastSeen: instant,
    visits: z.int(),
    evidence: z.number(),
    evidenceAt: instant,
    evidenceNow: z.number(),
    because: z.array(evidence.pick({ group: true, reason: true, weight: true })),
    failures: z.int(),
  })
  .openapi('Context')

export const sessionDetail = z
  .object({
    ...sessionFields,
    lastActivity: instant,
    origin: z.object({ network, device }),
    contexts: z.array(context),
    forked: z.boolean(),
  })
  .openapi('SessionDetail')

export const sessionPage = z
  .object({ items: z.array(sessionDetail), next: z.string().optional() })
  .openapi('SessionPage')

const setCookie = z.string().describe('A complete Set-Cookie value for the client')

export const created = z
  .object({ session, token: z.string(), cookie: setCookie, decision, persistent: z.boolean() })
  .openapi('Created')

const code = z.enum(Object.keys(CODES)).openapi('Code')

export const verification = z
  .object({
    ok: z.boolean(),
    decision: decision.optional(),
    session: session.optional(),
    token: z.string().optional(),
    persistent: z.boolean().optional(),
    cookie: setCookie.optional(),
    code: code.optional(),
    demands: z.object({ acr: z.string().optional(), maxAge: z.number().optional() }).optional(),
  })
  .openapi('Verification')

export const verifications = z.object({ results: z.array(verification) }).openapi('Verifications')

export const stepUpBegun = z
  .object({
    ok: z.boolean(),
    challenge: z.string().optional(),
    expiresAt: instant.optional(),
    subject: z.string().optional(),
    tenant: z.string().optional(),
    factors: z.array(z.string()).optional(),
    decision: decision.optional(),
    code: code.optional(),
    cookie: setCookie.optional(),
  })
  .openapi('StepUpBegun')

export const attributesVersion = z.object({ version: z.int() }).openapi('AttributesVersion')

const event = z
  .object({
    id: z.string(),
    type: z.enum(EVENT_TYPES),
    at: instant,
    actor: z.string(),
    subject: z.string().nullable(),
    session: z.string().nullable(),
    network: z
      .object({
        asn: z.int().nullable(),
        organisation: z.string().nullable(),
        kind: z.string(),
        country: z.string().nullable(),
        city: z.string().nullable(),
      })
      .nullable(),
    device: z.object({ family: z.string(), major: z.int().nullable(), os: z.string() }).nullable(),
    decision: decision.nullable(),
    reason: z.string().nullable(),
    correlation: z.string().nullable(),
    cursor: z.string(),
  })
  .openapi('Event')

export const eventPage = z
  .object({
    items: z.array(event),
    cursor: z.string().describe('Pass as `after` to read on'),
    more: z.boolean().describe('There was more to look through when this page was full'),
  })
  .openapi('EventPage')

export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code,
    detail: z.string(),
    field: z.string().optional(),
    errors: z.array(z.object({ field: z.string(), problem: z.string() })).optional(),
    requestId: z.string(),
  })
  .openapi('Problem')
