import { z } from '@hono/zod-openapi'
import { CODES } from 'holdfast'
import { EVENT_TYPES } from 'holdfast/maintenance'
import { attributes, instant, sessionId, subject, tenant, word } from './words.ts'

/** What callers get, as the OpenAPI document says it. */

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
}

const session = z
  .object({
    ...sessionFields,
    formToken: z.string().describe("For forms of the session's own pages. A secret."),
  })
  .openapi('Session')

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
    tls: z.string().nullable().describe('JA4 of its TLS handshake'),
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
  .object({
    session,
    token: z.string(),
    cookie: setCookie,
    refreshToken: z.string().optional(),
    refreshCookie: setCookie.optional(),
    decision,
    persistent: z.boolean(),
  })
  .openapi('Created')

const code = z.enum(Object.keys(CODES)).openapi('Code')

const requirements = z.object({ acr: z.string().optional(), maxAge: z.number().optional() })

export const verification = z
  .object({
    ok: z.boolean(),
    decision: decision.optional(),
    session: session.optional(),
    token: z.string().optional(),
    persistent: z.boolean().optional(),
    cookie: setCookie.optional(),
    refreshToken: z.string().optional().describe('With a completed step-up'),
    refreshCookie: setCookie.optional(),
    code: code.optional(),
    requirements: requirements.optional(),
    accessToken: z.string().optional().describe('RFC 9068, for the audience that was asked for'),
    expiresIn: z.int().optional().describe('Seconds that are left of the access token'),
  })
  .openapi('Verification')

export const refreshed = z
  .object({
    decision,
    session,
    status: z
      .enum(['normal', 'resent', 'response_lost', 'in_flight'])
      .describe('How the refresh token came'),
    refreshToken: z.string().optional().describe('Absent where the client has a newer one already'),
    refreshCookie: setCookie.optional(),
    persistent: z.boolean(),
    accessToken: z.string().optional().describe('RFC 9068, where an issuer is configured'),
    expiresIn: z.int().optional().describe('Seconds that are left of the access token'),
  })
  .openapi('Refreshed')

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

const situation = z
  .object({
    sensitivity: z.enum(['normal', 'sensitive']),
    reading: z.boolean(),
    context: z.enum(['confirmed', 'provisional', 'challenged', 'new']),
    networkConfirmed: z.boolean(),
    missing: z.array(z.enum(['acr', 'freshness'])),
    forked: z.boolean(),
    canStepUp: z.boolean(),
    signalFailed: z.boolean(),
    prompts: z.int(),
    contradiction: z.string().nullable(),
  })
  .openapi('Situation')

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
    situation: situation
      .nullable()
      .describe('Beside the decision, where the policy alone has made it: what else it looked at'),
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

export const introspection = z
  .object({
    active: z.boolean(),
    token_type: z.enum(['Bearer', 'session', 'refresh']).optional(),
    sub: z.string().optional(),
    tid: z.string().optional().describe('Tenant, where it is not the default one'),
    sid: z.string().optional(),
    iss: z.string().optional(),
    aud: z.string().optional(),
    client_id: z.string().optional(),
    jti: z.string().optional(),
    iat: z.int().optional(),
    exp: z.int().optional(),
    auth_time: z.int().optional(),
    acr: z.string().optional(),
    amr: z.array(z.string()).optional(),
    gen: z.int().optional(),
  })
  .openapi('Introspection')

export const keySet = z
  .object({
    keys: z.array(
      z.object({
        kty: z.string(),
        kid: z.string(),
        use: z.literal('sig'),
        alg: z.enum(['EdDSA', 'ES256', 'RS256']),
        crv: z.string().optional(),
        x: z.string().optional(),
        y: z.string().optional(),
        n: z.string().optional(),
        e: z.string().optional(),
      }),
    ),
  })
  .openapi('KeySet')
const revocation = z
  .object({
    kind: z.enum(['revoked', 'subject']),
    session: z.string().optional().describe('Of `revoked`: this session is dead'),
    subject: z
      .string()
      .optional()
      .describe('Of `subject`, as key: its sessions of a lower generation are dead'),
    generation: z.int().optional(),
    except: z.string().nullable().optional().describe('The one session that goes on'),
    at: instant,
  })
  .openapi('Revocation')

export const revocations = z
  .object({
    cursor: z.string().describe('Follow the stream from here'),
    asOf: instant.describe('Nothing that was revoked before then is missing'),
    windowMs: z.int().describe('An entry matters for so long'),
    since: instant.describe(
      'What was revoked before then may be missing; rarely within the window',
    ),
    entries: z.array(revocation),
  })
  .openapi('Revocations')

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

export const refusedRefresh = problem
  .extend({
    decision: decision.optional(),
    requirements: requirements.optional(),
    refreshCookie: setCookie.optional(),
  })
  .openapi('RefusedRefresh')
