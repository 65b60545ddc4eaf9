import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node'
import { newKeyring } from 'holdfast'
import { connect } from 'holdfast/client'
import { formatKeyring } from 'holdfast/maintenance'
import { openTelemetry } from 'holdfast/opentelemetry'
import { expect, test } from 'vitest'
import { instrumentHttp, type Recording, recording } from '../../holdfast/test/support/telemetry.ts'
import { forwarded, gated } from './gateways/gates.ts'
import { abroad, atHome, folder, KEYS, LOGIN, type Running, running } from './support.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const SPAN_ID = 'b7ad6b7169203331'
const traceparent = `00-${TRACE_ID}-${SPAN_ID}-01`

async function login(run: Running): Promise<{ readonly id: string; readonly token: string }> {
  const answer = await run.call('POST', '/v1/sessions', { body: { ...LOGIN, request: atHome() } })
  const { token, session } = await answer.json()
  return { id: session.id, token }
}

/** The span that serves a request ends when the connection has taken the answer. */
async function spanOf(told: Recording, name: string): Promise<ReadableSpan> {
  await expect.poll(() => told.spans().map((span) => span.name)).toContain(name)
  return told.span(name)
}

function parentOf(span: ReadableSpan): string | undefined {
  return span.parentSpanContext?.spanId
}

test('a call of the API is a span of its trace, and what the engine does is below it', async () => {
  const told = recording()
  const run = await running()
  const { id, token } = await login(run)
  const created = told.span('holdfast.create')

  await run.call('POST', '/v1/verify', {
    body: { token, request: atHome() },
    headers: { traceparent },
  })

  const served = await spanOf(told, 'POST /v1/verify')
  const verify = told.span('holdfast.verify')
  expect(served.kind).toBe(SpanKind.SERVER)
  expect(served.parentSpanContext).toMatchObject({ traceId: TRACE_ID, spanId: SPAN_ID })
  expect(served.attributes).toEqual({
    'http.request.method': 'POST',
    'http.route': '/v1/verify',
    'http.response.status_code': 200,
  })
  expect(parentOf(verify)).toBe(served.spanContext().spanId)
  expect(verify.attributes).toMatchObject({ 'session.id': id, 'holdfast.result': 'success' })
  expect(parentOf(told.span('holdfast.store.write'))).toBe(created.spanContext().spanId)
})

test('requests that are judged in one turn keep their traces apart', async () => {
  const told = recording()
  const run = await running()
  const { token } = await login(run)
  const traces = Array.from({ length: 20 }, (_, at) => `${at + 10}`.repeat(16))
  told.reset()

  await Promise.all(
    traces.map((id) =>
      run.call('POST', '/v1/verify', {
        body: { token, request: atHome() },
        headers: { traceparent: `00-${id}-${SPAN_ID}-01` },
      }),
    ),
  )

  await expect
    .poll(() => told.spans().filter(({ name }) => name === 'POST /v1/verify'))
    .toHaveLength(traces.length)
  for (const name of ['POST /v1/verify', 'holdfast.verify']) {
    const spans = told.spans().filter((span) => span.name === name)
    expect(spans.map((span) => span.spanContext().traceId).sort()).toEqual([...traces].sort())
  }
})

test('a path names subjects and sessions, and the span its route alone', async () => {
  const told = recording()
  const run = await running()
  await login(run)
  told.reset()

  await run.call('GET', '/v1/subjects/ada/sessions', { headers: { traceparent } })

  const served = await spanOf(told, 'GET /v1/subjects/{subject}/sessions')
  expect(JSON.stringify(served.attributes)).not.toContain('ada')
  expect(parentOf(told.span('holdfast.list'))).toBe(served.spanContext().spanId)
})

test('a refusal is no error of any span, and an outage is one of each', async () => {
  const told = recording()
  const run = await running()
  const { token } = await login(run)
  const body = { token, request: abroad(), sensitivity: 'sensitive' }
  told.reset()

  await run.call('POST', '/v1/verify', { body })
  const refused = [await spanOf(told, 'POST /v1/verify'), told.span('holdfast.verify')]
  const keyring = join(folder(), 'keyring.json')
  writeFileSync(keyring, formatKeyring(newKeyring()), { mode: 0o600 })
  const away = await running({
    HOLDFAST_STORE: 'redis://127.0.0.1:1',
    HOLDFAST_KEYRING: keyring,
  })
  told.reset()
  const answer = await away.call('POST', '/v1/sessions', { body: { ...LOGIN, request: atHome() } })

  const failed = [await spanOf(told, 'POST /v1/sessions'), told.span('holdfast.create')]
  expect(answer.status).toBe(503)
  expect(refused.map(({ status }) => status.code)).toEqual(refused.map(() => SpanStatusCode.UNSET))
  expect(failed.map(({ status }) => status.code)).toEqual(failed.map(() => SpanStatusCode.ERROR))
  expect(refused[1]?.attributes).toMatchObject({ 'holdfast.code': 'step_up_required' })
  expect(failed.map(({ attributes }) => attributes['error.type'])).toEqual([
    '503',
    'store_unavailable',
  ])
})

test('a gate is a span of the trace that the gateway hands on', async () => {
  const told = recording()
  const { token, ask } = await gated()
  told.reset()

  await ask('/v1/gate/forward-auth', forwarded({ cookie: `__Host-session=${token}`, traceparent }))

  const served = await spanOf(told, 'GET /v1/gate/forward-auth')
  expect(served.parentSpanContext).toMatchObject({ traceId: TRACE_ID, spanId: SPAN_ID })
  const verify = told.span('holdfast.verify')
  expect(parentOf(verify)).toBe(served.spanContext().spanId)
  expect(verify.attributes).toMatchObject({ 'session.id': token.split('.')[1] })
})

test('events of the service are log records, also those of operators', async () => {
  const told = recording()
  const run = await running()
  const { id } = await login(run)

  await run.call('GET', `/v1/sessions/${id}`, { key: KEYS.admin, headers: { traceparent } })

  const record = told.records().find(({ eventName }) => eventName === 'holdfast.admin-acted')
  expect(record?.attributes).toMatchObject({ 'holdfast.actor': 'ops', 'session.id': id })
  expect(record?.spanContext?.traceId).toBe(TRACE_ID)
  expect(told.records().map(({ eventName }) => eventName)).toContain('holdfast.session-established')
})

test('connect() hands its trace on, in a batch the one of each request', async () => {
  const told = recording()
  const run = await running()
  const { id, token } = await login(run)
  const sessions = connect({ url: run.service.url, key: KEYS.all, telemetry: openTelemetry() })
  const tracer = trace.getTracer('application')
  const inRequest = <T>(work: () => Promise<T>): Promise<T> =>
    tracer.startActiveSpan('GET /account', async (span) => work().finally(() => span.end()))
  told.reset()

  await Promise.all(
    [1, 2, 3, 4].map(() => inRequest(() => sessions.verify({ token, request: atHome() }))),
  )
  await inRequest(() => sessions.show(id))
  await inRequest(() => sessions.revoke(id, { reason: 'spring_clean' }))

  await spanOf(told, 'POST /v1/sessions/{id}/revoke')
  const all = told.spans()
  const calls = all.filter(({ kind }) => kind === SpanKind.CLIENT)
  expect(calls).toHaveLength(6)
  for (const call of calls) {
    const { traceId, spanId } = call.spanContext()
    const below = all.filter((span) => parentOf(span) === spanId)
    expect(below.map((span) => span.spanContext().traceId)).toEqual([traceId])
  }
  const revoked = told.records().find(({ eventName }) => eventName === 'holdfast.session-revoked')
  expect(revoked?.spanContext?.traceId).toBe(calls.at(-1)?.spanContext().traceId)
})

test('an instrumentation of HTTP has its spans at both ends of connect()', async () => {
  const told = recording()
  instrumentHttp()
  const run = await running()
  const { token } = await login(run)
  const sessions = connect({ url: run.service.url, key: KEYS.all, telemetry: openTelemetry() })
  told.reset()

  const answer = await sessions.verify({ token, request: atHome() })

  expect(answer).toMatchObject({ ok: true })
  const served = await spanOf(told, 'POST /v1/verify')
  expect(served.instrumentationScope.name).toBe('@opentelemetry/instrumentation-http')
  expect(served.attributes).toMatchObject({
    'http.route': '/v1/verify',
    // Its own, and what docs/opentelemetry.md warns of.
    'url.path': '/v1/verify',
    'client.address': '127.0.0.1',
  })
  const [asked, judged] = told
    .spans()
    .filter(({ name }) => name === 'holdfast.verify')
    .sort((one, other) => other.kind - one.kind)
  const sent = told.span('POST')
  const chain = [asked, sent, served, judged]
  expect(chain.slice(1).map((span) => span && parentOf(span))).toEqual(
    chain.slice(0, -1).map((span) => span?.spanContext().spanId),
  )
})

test('nothing secret is in a span of the service', async () => {
  const told = recording()
  const run = await running()
  const { id, token } = await login(run)
  const secrets = [token, 'ada', ...Object.values(KEYS)]
  for (const { ip, headers } of [atHome(), abroad()]) {
    secrets.push(ip ?? '', String(headers['user-agent']))
  }

  await run.call('POST', '/v1/verify', { body: { token, request: abroad() } })
  await run.call('POST', '/v1/verify/batch', {
    body: { presented: [{ token, request: atHome() }] },
  })
  await run.call('GET', '/v1/subjects/ada/sessions')
  await run.call('GET', `/v1/sessions/${id}`, { key: 'a-guessed-key-of-somebody' })
  await run.call('POST', '/v1/logout', { body: { token } })

  await spanOf(told, 'POST /v1/logout')
  const text = JSON.stringify(
    told.spans().map(({ name, attributes, events, status }) => [name, attributes, events, status]),
  )
  expect(text).toContain(id)
  for (const secret of secrets) expect(text).not.toContain(secret)
})
