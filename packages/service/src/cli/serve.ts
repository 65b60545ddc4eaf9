import cluster from 'node:cluster'
import { availableParallelism } from 'node:os'
import { type Command, EXIT, type Option, UsageError } from 'holdfast/cli'
import { loadConfig } from '../config/load.ts'
import { startService } from '../main/service.ts'
import { startWorkers, work } from '../main/workers.ts'
import { CONFIG_OPTION } from './config-option.ts'

/** How long the reader of the log has for the last lines of a service that has stopped. */
const LAST_LINES_MS = 1_000

const MOST_WORKERS = 64

const OPTIONS: Readonly<Record<string, Option>> = {
  ...CONFIG_OPTION,
  workers: {
    type: 'string',
    value: 'N',
    about: 'Processes that share the ports: a number, or "auto" for one a core (default 1)',
  },
}

/** Runs the service until SIGTERM or SIGINT; a second signal ends it at once. */
export const serveCommands: readonly Command[] = [
  {
    name: 'serve',
    about: 'Run the service',
    usage: '',
    details:
      'Runs until SIGTERM or SIGINT. Then /readyz says 503 while it goes on serving ' +
      '(HOLDFAST_DRAIN), its port closes,\n' +
      'and what is in flight finishes (HOLDFAST_STOP_TIMEOUT). A second signal ends it at ' +
      'once.\n' +
      'The log is JSON lines on standard output. "holdfast config reference" lists every ' +
      'setting.\n' +
      'With --workers several processes share ports and store; /readyz and /metrics are of all. ' +
      'guessLimit and\n' +
      'cacheBytes are of each.',
    options: OPTIONS,
    arguments: [0, 0],
    examples: [
      'HOLDFAST_API_KEYS=shop:app+gate:$(openssl rand -hex 24) holdfast serve',
      'holdfast serve --config /etc/holdfast/holdfast.yaml',
      'holdfast serve --workers auto',
    ],
    async run(asked) {
      const workers = workersOf(asked.text('workers'))
      const config = loadConfig({ file: asked.text('config'), env: asked.env })
      if (cluster.isWorker) {
        await work(config)
        return endSoon()
      }
      const stopped = firstSignal()
      const service =
        workers === 1
          ? await startService(config, { ownsProcess: true })
          : await startWorkers(config, workers)
      await stopped
      process.once('SIGTERM', () => process.exit(EXIT.failed))
      process.once('SIGINT', () => process.exit(EXIT.failed))
      await service.close()
      return endSoon()
    },
  },
]

function workersOf(text = '1'): number {
  const count = text === 'auto' ? availableParallelism() : Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= MOST_WORKERS) return count
  throw new UsageError(`--workers must be "auto" or a whole number from 1 to ${MOST_WORKERS}.`)
}

/** Lines that nobody reads keep no process alive that has stopped. */
function endSoon(): number {
  setTimeout(() => process.exit(EXIT.done), LAST_LINES_MS).unref()
  return EXIT.done
}

/** Resolves at SIGTERM or SIGINT. */
export function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    function seen(): void {
      process.off('SIGTERM', seen)
      process.off('SIGINT', seen)
      resolve()
    }
    process.on('SIGTERM', seen)
    process.on('SIGINT', seen)
  })
}
