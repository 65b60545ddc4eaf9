import { loadConfig, startService } from '@holdfast/service'
import { child } from './words.ts'

const [port = '', keyring = '', key = ''] = process.argv.slice(2)

/** A session authority as in production, on ports of its own. */
child(async () => {
  const config = loadConfig({
    env: {
      HOLDFAST_STORE: `redis://127.0.0.1:${port}`,
      HOLDFAST_KEYRING: keyring,
      HOLDFAST_API_KEYS: `bench:app+gate+admin:${key}`,
      HOLDFAST_LISTEN: '127.0.0.1:0',
      HOLDFAST_MANAGEMENT_LISTEN: '127.0.0.1:0',
      HOLDFAST_GATE_LISTEN: '127.0.0.1:0',
    },
  })
  return (await startService(config, { log: { write: () => true } })).url
})
