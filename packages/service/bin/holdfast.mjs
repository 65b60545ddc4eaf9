#!/usr/bin/env node
import { existsSync } from 'node:fs'

const program = new URL('../dist/cli/main.js', import.meta.url)

if (existsSync(program)) {
  if (process.argv[2] === 'serve') {
    const { startAsServer } = await import('../dist/main/young-objects.js')
    startAsServer()
  }
  const { main } = await import(program.href)
  process.exitCode = await main(process.argv.slice(2))
} else {
  process.stderr.write(
    'holdfast: this checkout is not built yet. Run "npm install && npm run build" in its root.\n',
  )
  process.exitCode = 1
}
