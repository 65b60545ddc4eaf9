import { readFileSync } from 'node:fs'
import { type Context, context, SpanStatusCode, trace } from '@opentelemetry/api'
import { logs } from '@opentelemetry/api-logs'
import { AlwaysOffSampler, type ReadableSpan } from '@opentelemetry/sdk-trace-node'
import { describe, expect, test } from 'vitest'
import { SessionError } from '../../src/core/errors.ts'
import type { Sessions, VerifiesNow } from '../../src/core/sessions.ts'
import type { Store } from '../../src/core/store.ts'
import { openTelemetry } from '../../src/opentelemetry/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { type Harness, harness, inMemory, MINUTE } from '../support/harness.ts'
import { abroad, atHome } from '../support/people.ts'
import { recording } from '../support/telemetry.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const traceparent = `00-${TRACE_ID}-b7ad6b7169203331-01`

/** An engine that is told of. */
function traced(store?: Store): Promise<Harness> {
  const telemetry = openTelemetry({ loggerProvider: logs.getLoggerProvider() })
  return harness(inMemory, { telemetry, ...(store === undefined ? {} : { store }) })
}

/** Does something as a part of a span of the application. */
function inRequest<T>(work: () => Promise<T>): Promise<T> {
  return trace.getTracer('application').startActiveSpan('GET /account', async (span) => {
    try {
      return await work()
    } finally {
      span.end()
    }
  })
}

function idOf(token: string): string {
  return token.split('.')[1] ?? ''
}

function parentOf(span: ReadableSpan): string | undefined {
  return span.parentSpanContext?.spanId
}

/** A store that cannot be asked. */
function failing(store: Store): Store {
  const read = async (): Promise<never> => {
    throw new SessionError('store_unavailable', 'Redis did not answer within 200 ms')
  }
  return { ...store, entries: { ...store.entries, read } }
}

/** A store that answers nothing at once. */
function waiting(store: Store): Store {
  const { read } = store.entries
  return { ...store, entries: { ...store.entries, read: (id) => read(id) } }
}

describe('a call of the engine', () => {
  test('is a span below the one that is active, with what was decided', async () => {
    const told = recording()
    const { show, login } = await traced()
    const token = await login()

    await inRequest(() => show(token))

    const span = told.span('holdfast.verify')
    expect(parentOf(span)).toBe(told.span('GET /account').spanContext().spanId)
    expect(span.status.code).toBe(SpanStatusCode.UNSET)
    expect(span.instrumentationScope.name).toBe('holdfast')
    expect(span.attributes).toEqual({
      'session.id': idOf(token),
      'holdfast.result': 'success',
      'holdfast.decision.outcome': 'allow',
      'holdfast.decision.score': 0,
      'holdfast.decision.reasons': [],
    })
  })

  test('is a span whichever it is, also where the engine would answer at once', async () => {
    const told = recording()
    const { sessions, login, loginForRefresh, renew, stepUp } = await traced()
    const token = await login()
    const { refreshToken } = await loginForRefresh()
    const { now }: Sessions['verify'] & VerifiesNow = sessions.verify

    expect(now?.({ token, request: atHome() })).toBeUndefined()
    await sessions.verify({ token, request: atHome() })
    await renew(refreshToken)
    await stepUp(token, atHome())
    await sessions.list({ subject: 'ada' })
    await sessions.show(idOf(token))
    await sessions.patchAttributes(idOf(token), { cart: 1 }, 0)
    await sessions.report({ kind: 'false_alarm', session: idOf(token) })
    await sessions.revoke(idOf(token), { reason: 'stolen_laptop' })
    await sessions.logout(await login())
    await sessions.revokeSubject({ subject: 'ada' }, { reason: 'spring_clean' })

    const names = new Set(told.spans().map(({ name }) => name))
    expect([...names].filter((name) => !name.startsWith('holdfast.store.')).sort()).toEqual([
      'holdfast.beginStepUp',
      'holdfast.completeStepUp',
      'holdfast.create',
      'holdfast.list',
      'holdfast.logout',
      'holdfast.patchAttributes',
      'holdfast.refresh',
      'holdfast.report',
      'holdfast.revoke',
      'holdfast.revokeSubject',
      'holdfast.show',
      'holdfast.verify',
    ])
    expect(told.span('holdfast.refresh').attributes).toMatchObject({
      'holdfast.refresh.status': 'rotated',
    })
    expect(told.span('holdfast.revoke').attributes).toEqual({
      'session.id': idOf(token),
      'holdfast.reason': 'stolen_laptop',
    })
  })

  test('that is refused is no error, and names code and session', async () => {
    const told = recording()
    const { show, login } = await traced()
    const token = await login()

    const answer = await show(token, abroad(), { sensitivity: 'sensitive' })

    expect(answer).toMatchObject({ ok: false, code: 'step_up_required' })
    const span = told.span('holdfast.verify')
    expect(span.status.code).toBe(SpanStatusCode.UNSET)
    expect(span.events).toEqual([])
    expect(span.attributes).toMatchObject({
      'session.id': idOf(token),
      'holdfast.result': 'failure',
      'holdfast.code': 'step_up_required',
      'holdfast.decision.outcome': 'challenge',
    })
    expect(span.attributes['holdfast.decision.reasons']).toContain('network_unconfirmed')
  })

  test('that meets an outage is an error, as the conventions say', async () => {
    const told = recording()
    const good = memoryStore()
    const { login, keyring } = await traced(good)
    const token = await login()
    const { show } = await harness(inMemory, {
      telemetry: openTelemetry(),
      store: failing(good),
      keyring,
    })

    await expect(show(token)).rejects.toMatchObject({ code: 'store_unavailable' })

    for (const name of ['holdfast.verify', 'holdfast.store.read']) {
      const span = told.span(name)
      expect(span.status).toEqual({
        code: SpanStatusCode.ERROR,
        message: 'Redis did not answer within 200 ms',
      })
      expect(span.attributes).toMatchObject({ 'error.type': 'store_unavailable' })
      expect(span.events).toMatchObject([
        { name: 'exception', attributes: { 'exception.type': 'store_unavailable' } },
      ])
    }
  })

  test('that meets what somebody else throws tells its type alone', async () => {
    const told = recording()
    const token = await (await traced()).login()
    const policy = () => {
      throw new TypeError(`cannot read ${token}`)
    }
    const { sessions } = await harness(inMemory, { telemetry: openTelemetry(), policy })
    told.reset()

    await expect(sessions.create({ subject: 'ada', request: atHome() })).rejects.toThrow(TypeError)

    const { status, attributes, events } = told.span('holdfast.create')
    expect(status).toEqual({ code: SpanStatusCode.ERROR })
    expect(attributes).toEqual({ 'holdfast.result': 'failure', 'error.type': 'TypeError' })
    expect(events).toMatchObject([{ attributes: { 'exception.type': 'TypeError' } }])
    expect(JSON.stringify(events)).not.toContain('cannot read')
  })

  test('that its caller got wrong is no error of the span', async () => {
    const told = recording()
    const { sessions, login } = await traced()
    const id = idOf(await login())

    await expect(sessions.patchAttributes(id, { cart: 1 }, 7)).rejects.toMatchObject({
      code: 'attributes_conflict',
    })

    const { status, attributes } = told.span('holdfast.patchAttributes')
    expect(status.code).toBe(SpanStatusCode.UNSET)
    expect(attributes).toEqual({
      'holdfast.result': 'failure',
      'holdfast.code': 'attributes_conflict',
    })
  })

  test('names no session where the token was a guess', async () => {
    const told = recording()
    const { show } = await traced()

    await show(`hf1.${'A'.repeat(43)}.guess`)

    expect(told.span('holdfast.verify').attributes).toEqual({
      'holdfast.result': 'failure',
      'holdfast.code': 'token_malformed',
    })
  })

  test('waits for a store in spans of its own', async () => {
    const told = recording()
    const { show, login } = await traced(waiting(memoryStore()))
    const token = await login()
    told.reset()

    await inRequest(() => show(token))

    const verify = told.span('holdfast.verify')
    expect(parentOf(told.span('holdfast.store.read'))).toBe(verify.spanContext().spanId)
  })
})

describe('where a span belongs', () => {
  test('is what the request says where nothing is active', async () => {
    const told = recording()
    const { show, login } = await traced()
    const token = await login()

    await show(token, atHome({ headers: { ...atHome().headers, traceparent } }))

    const span = told.span('holdfast.verify')
    expect(span.spanContext().traceId).toBe(TRACE_ID)
    expect(span.parentSpanContext).toMatchObject({ spanId: 'b7ad6b7169203331', isRemote: true })
  })

  test('is the active span, whatever a client sent', async () => {
    const told = recording()
    const { show, login } = await traced()
    const token = await login()

    await inRequest(() => show(token, atHome({ headers: { ...atHome().headers, traceparent } })))

    expect(parentOf(told.span('holdfast.verify'))).toBe(
      told.span('GET /account').spanContext().spanId,
    )
  })

  test('is the trace that the call names, linked with the active span', async () => {
    const told = recording()
    const { show, login } = await traced()
    const token = await login()

    await inRequest(() => show(token, atHome(), { trace: traceparent }))

    const span = told.span('holdfast.verify')
    expect(span.spanContext().traceId).toBe(TRACE_ID)
    expect(span.links.map((link) => link.context.spanId)).toEqual([
      told.span('GET /account').spanContext().spanId,
    ])
  })
})

describe('events', () => {
  test('have the trace of the active span where the request has none', async () => {
    const told = recording()
    const { show, login, events } = await traced()
    const token = await login()
    events.length = 0

    await inRequest(() => show(token, abroad(), { sensitivity: 'sensitive' }))
    await inRequest(() =>
      show('hf1.garbage', atHome({ headers: { ...atHome().headers, traceparent } })),
    )

    const asked = events.find(({ type }) => type === 'step-up-required')
    const unknown = events.find(({ type }) => type === 'token-unknown')
    const [span] = told.spans().filter(({ name }) => name === 'holdfast.verify')
    const { traceId, spanId } = span?.spanContext() ?? {}
    expect(asked).toMatchObject({ trace: `00-${traceId}-${spanId}-01` })
    expect(unknown).toMatchObject({ trace: traceparent })
  })

  test('have it where nothing is recorded, too, and the engine answers at once', async () => {
    recording(new AlwaysOffSampler())
    const { sessions, events } = await harness(inMemory, { telemetry: openTelemetry() })
    const { now }: Sessions['verify'] & VerifiesNow = sessions.verify
    const active: Context = trace.setSpanContext(context.active(), {
      traceId: TRACE_ID,
      spanId: 'b7ad6b7169203331',
      traceFlags: 0,
    })

    const answer = context.with(active, () => now?.({ token: 'hf1.garbage', request: atHome() }))

    expect(answer).toMatchObject({ ok: false, code: 'token_malformed' })
    expect(events).toMatchObject([{ trace: traceparent.replace(/01$/, '00') }])
  })

  test('are log records of the trace that they are of', async () => {
    const told = recording()
    const { sessions, show, login, host } = await traced()
    const token = await login()
    told.reset()
    host.advance(MINUTE)

    await inRequest(() => show(token, abroad(), { sensitivity: 'sensitive' }))
    await sessions.revoke(idOf(token), { reason: 'not_me', trace: traceparent, actor: 'grace' })

    const [asked, revoked] = ['step-up-required', 'session-revoked'].map((type) =>
      told.records().find(({ eventName }) => eventName === `holdfast.${type}`),
    )
    expect(asked?.spanContext).toMatchObject(told.span('holdfast.verify').spanContext())
    expect(asked).toMatchObject({
      severityNumber: 10,
      severityText: 'low',
      body: 'A step-up was asked for',
      instrumentationScope: { name: 'holdfast' },
      hrTime: [Math.floor(host.now() / 1_000), (host.now() % 1_000) * 1e6],
    })
    expect(asked?.attributes).toMatchObject({
      'session.id': idOf(token),
      'holdfast.result': 'failure',
      'holdfast.type': 'step-up-required',
      'holdfast.reason': 'evidence',
      'holdfast.decision.outcome': 'challenge',
      'geo.country.iso_code': 'NL',
    })
    expect(revoked?.spanContext?.traceId).toBe(TRACE_ID)
    expect(revoked?.severityNumber).toBe(17)
  })

  test('reach the listener of the application as ever', async () => {
    const told = recording()
    const { login, events } = await traced()

    await login()

    expect(events.map(({ type }) => type)).toEqual(['session-established'])
    expect(told.records()).toHaveLength(1)
  })
})

test('nothing that is told holds a secret, an address, an agent or a subject', async () => {
  const told = recording()
  const { sessions, show, renew, loginForRefresh, host } = await traced()
  const subject = 'ada@example.com'
  const { token, refreshToken } = await loginForRefresh({
    subject,
    tenant: 'acme-ltd',
    attributes: { iban: 'NO93' },
  })
  host.advance(6 * MINUTE)
  const requests = [atHome(), abroad()]
  const secrets = [subject, 'acme-ltd', 'NO93']
  for (const { ip, headers } of requests) secrets.push(ip ?? '', String(headers['user-agent']))

  const seen = [await show(token), await show(token, abroad()), await renew(refreshToken)]
  seen.push(await show(`${token.slice(0, -4)}AAAA`))
  const begun = await sessions.beginStepUp({ token, request: abroad() })
  if (!begun.ok) throw new Error(begun.code)
  const { challenge } = begun
  const proof = { challenge, token, request: abroad(), subject, tenant: 'acme-ltd', amr: ['otp'] }
  await sessions.report({ kind: 'step_up_failed', challenge, token, request: abroad() })
  seen.push(await sessions.completeStepUp(proof))
  await sessions.list({ subject, tenant: 'acme-ltd' })
  await sessions.patchAttributes(idOf(token), { iban: 'NO94' }, 1).catch(() => undefined)
  await sessions.report({ kind: 'login_failed', subject, request: abroad() })
  await sessions.logout(token)
  await sessions.revokeSubject({ subject, tenant: 'acme-ltd' }, { reason: 'not_me' })
  await expect(sessions.revoke(subject as never, { reason: subject })).rejects.toThrow()

  for (const answer of seen) {
    for (const part of Object.values(answer)) {
      if (typeof part === 'string' && part.startsWith('hf1.')) secrets.push(part)
    }
  }
  secrets.push(token, refreshToken, challenge, token.split('.')[2] ?? '')
  const spans = told.spans().map(({ name, attributes, events, status, links }) => ({
    name,
    attributes,
    events,
    status,
    links,
  }))
  const records = told.records().map(({ body, attributes, eventName }) => ({
    ...{ body, attributes, eventName },
  }))
  const text = JSON.stringify({ spans, records })
  expect(spans.length).toBeGreaterThan(12)
  expect(records.length).toBeGreaterThan(5)
  for (const secret of secrets) expect(text).not.toContain(secret)
  const page = readFileSync(new URL('../../../../docs/opentelemetry.md', import.meta.url), 'utf8')
  const attributes = new Set(spans.flatMap((span) => Object.keys(span.attributes)))
  for (const name of attributes) expect(page).toContain(`\`${name}\``)
})

test('without a registered SDK nothing is told, and one that comes later hears', async () => {
  const telemetry = openTelemetry()
  const { show, login, events } = await harness(inMemory, { telemetry })
  const token = await login()
  expect(events[0]).not.toHaveProperty('trace')

  const told = recording()
  await show(token)

  expect(told.spans().map(({ name }) => name)).toContain('holdfast.verify')
})
