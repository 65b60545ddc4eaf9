import { type Command, EXIT } from 'holdfast/cli'
import { loadConfig } from '../config/load.ts'
import { startService } from '../main/service.ts'
import { CONFIG_OPTION } from './config-option.ts'

/** How long the reader of the log has for the last lines of a service that has stopped. */
const LAST_LINES_MS = 1_000

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
      'setting.',
    options: CONFIG_OPTION,
    arguments: [0, 0],
    examples: [
      'HOLDFAST_API_KEYS=shop:app+gate:$(openssl rand -hex 24) holdfast serve',
      'holdfast serve --config /etc/holdfast/holdfast.yaml',
    ],
    async run(asked) {
      const config = loadConfig({ file: asked.text('config'), env: asked.env })
      const stopped = firstSignal()
      const service = await startService(config, { ownsProcess: true })
      await stopped
      process.once('SIGTERM', () => process.exit(EXIT.failed))
      process.once('SIGINT', () => process.exit(EXIT.failed))
      await service.close()
      // Lines that nobody reads keep no process alive that has stopped.
      setTimeout(() => process.exit(EXIT.done), LAST_LINES_MS).unref()
      return EXIT.done
    },
  },
]

function firstSignal(): Promise<void> {
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
