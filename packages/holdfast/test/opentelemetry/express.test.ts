import { createServer } from 'node:http'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node'
import { expect, onTestFinished, test } from 'vitest'
import { holdfast } from '../../src/adapters/express.ts'
import { SESSION_COOKIE } from '../../src/carriers/names.ts'
import { SessionError } from '../../src/core/errors.ts'
import type { Store } from '../../src/core/store.ts'
import { openTelemetry } from '../../src/opentelemetry/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { EXPRESSES } from '../contracts/apps/express.ts'
import { listening } from '../contracts/apps/listening.ts'
import { harness, inMemory } from '../support/harness.ts'
import { instrumentHttp, recording } from '../support/telemetry.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const SPAN_ID = 'b7ad6b7169203331'

/** A store, until it is away. */
function perishable(): { readonly store: Store; away: boolean } {
  const good = memoryStore()
  const { read } = good.entries
  const state = {
    away: false,
    store: {
      ...good,
      entries: {
        ...good.entries,
        async read(id: Parameters<typeof read>[0]) {
          if (state.away) throw new SessionError('store_unavailable', 'Nobody answered.')
          return read(id)
        },
      },
    },
  }
  return state
}

test.each(EXPRESSES)('%s: what a guarded route asks is below its request', async (_, express) => {
  const told = recording()
  instrumentHttp()
  const state = perishable()
  const { store } = state
  const { sessions, events, login } = await harness(inMemory, { telemetry: openTelemetry(), store })
  const { requireSession, sessionOf } = holdfast(sessions)
  const app = express()
  app.get('/account', requireSession(), (request, response) => {
    response.json({ subject: sessionOf(request).subject })
  })
  const { origin, close } = await listening(createServer(app))
  onTestFinished(close)
  const ask = async (token: string): Promise<readonly (ReadableSpan | undefined)[]> => {
    told.reset()
    const headers = {
      cookie: `${SESSION_COOKIE}=${token}`,
      'user-agent': 'Mozilla/5.0',
      'sec-fetch-site': 'same-origin',
      'sec-fetch-mode': 'navigate',
      traceparent: `00-${TRACE_ID}-${SPAN_ID}-01`,
    }
    await (await fetch(`${origin}/account`, { headers })).text()
    await expect.poll(() => told.spans().map(({ kind }) => kind)).toContain(SpanKind.SERVER)
    return [told.spans().find(({ kind }) => kind === SpanKind.SERVER), told.span('holdfast.verify')]
  }
  const token = await login()

  const [request, verify] = await ask(token)
  const [, refused] = await ask(`${token.slice(0, -4)}AAAA`)
  state.away = true
  const [failed, outage] = await ask(token)

  expect(request?.parentSpanContext).toMatchObject({ traceId: TRACE_ID, spanId: SPAN_ID })
  expect(verify?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId)
  expect(verify?.attributes).toMatchObject({ 'session.id': token.split('.')[1] })
  expect(refused?.status.code).toBe(SpanStatusCode.UNSET)
  expect(refused?.attributes).toMatchObject({ 'holdfast.code': 'token_malformed' })
  expect(outage?.status.code).toBe(SpanStatusCode.ERROR)
  expect(outage?.attributes).toMatchObject({ 'error.type': 'store_unavailable' })
  expect(failed?.attributes['http.response.status_code']).toBe(503)
  expect(events.at(-1)?.trace).toContain(TRACE_ID)
})
