import { pathToFileURL } from 'node:url'
import { readSettings } from './settings.ts'
import { startShop } from './shop.ts'

export { type Shop, type ShopOptions, startShop } from './shop.ts'

async function main(): Promise<void> {
  const shop = await startShop(readSettings(process.env))
  process.stdout.write(`The shop is open at ${shop.url}\n`)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      void shop.close().then(() => process.exit(0))
    })
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : 'The shop did not start.'}\n`)
    process.exit(1)
  })
}
