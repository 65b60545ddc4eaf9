import { writeSync } from 'node:fs'
import { createRequire } from 'node:module'

/**
 * What a test starts a service with (`node --import`): where it is to be traced, an SDK that prints
 * each span as a line on standard error. At the end, it prints how much was loaded for log records.
 */
const require = createRequire(import.meta.url)

function print(line) {
  writeSync(2, `${JSON.stringify(line)}\n`)
}

if (process.env.TRACED === 'yes') {
  const { NodeTracerProvider, SimpleSpanProcessor } = await import('@opentelemetry/sdk-trace-node')
  const exporter = {
    export(spans, done) {
      for (const { name, parentSpanContext } of spans) {
        print({ span: name, parent: parentSpanContext?.spanId })
      }
      done({ code: 0 })
    },
    shutdown: async () => {},
  }
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()
}

process.on('exit', () => {
  const loaded = Object.keys(require.cache).filter((path) => path.includes('/api-logs/'))
  print({ loaded: loaded.length })
})
