import http from 'node:http'
import { context, propagation, trace } from '@opentelemetry/api'
import { logs } from '@opentelemetry/api-logs'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  type ReadableLogRecord,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { onTestFinished } from 'vitest'

/** A real SDK that keeps what it is told. */
export interface Recording {
  /** Spans that have ended, in the order of their ends. */
  spans(): readonly ReadableSpan[]
  /** The only span of a name. */
  span(name: string): ReadableSpan
  records(): readonly ReadableLogRecord[]
  reset(): void
}

/** Registers the SDK for this process, until the test ends. */
export function recording(sampler?: Sampler): Recording {
  const spans = new InMemorySpanExporter()
  const records = new InMemoryLogRecordExporter()
  const provider = new NodeTracerProvider({
    ...(sampler === undefined ? {} : { sampler }),
    spanProcessors: [new SimpleSpanProcessor(spans)],
  })
  const loggerProvider = new LoggerProvider({
    processors: [new SimpleLogRecordProcessor({ exporter: records })],
  })
  provider.register()
  logs.setGlobalLoggerProvider(loggerProvider)
  onTestFinished(async () => {
    for (const api of [trace, context, propagation, logs]) api.disable()
    await Promise.all([provider.shutdown(), loggerProvider.shutdown()])
  })
  return {
    spans: () => spans.getFinishedSpans(),
    span(name) {
      const [only, ...more] = spans.getFinishedSpans().filter((one) => one.name === name)
      if (only === undefined || more.length > 0) throw new Error(`${more.length} more ${name}`)
      return only
    },
    records: () => records.getFinishedLogRecords(),
    reset() {
      spans.reset()
      records.reset()
    },
  }
}

/**
 * Makes spans of what Node's HTTP server and client do, until the test ends. The module is changed
 * here and not when somebody asks for it, which happens once in a process of many tests.
 */
export function instrumentHttp(): void {
  const instrumentation = new HttpInstrumentation({ enabled: false })
  instrumentation.setTracerProvider(trace.getTracerProvider())
  const definition = instrumentation.init().find(({ name }) => name === 'http')
  definition?.patch?.(http)
  onTestFinished(() => definition?.unpatch?.(http))
}
