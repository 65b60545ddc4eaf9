#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

// Both packages have a command of this name, and npm links one of the two. That of the service has
// the commands of both.
const program = new URL('../dist/cli/index.js', import.meta.url)
const service = programOfService()

if (service !== undefined) {
  await import(service)
} else if (existsSync(program)) {
  const { main } = await import(program.href)
  process.exitCode = await main(process.argv.slice(2))
} else {
  process.stderr.write(
    'holdfast: this checkout is not built yet. Run "npm install && npm run build" in its root.\n',
  )
  process.exitCode = 1
}

/** Beside this package, or beside the command as it was called: a link may lead elsewhere. */
function programOfService() {
  for (const from of [import.meta.url, process.argv[1]]) {
    try {
      const manifest = createRequire(from).resolve('@holdfast/service/package.json')
      return pathToFileURL(join(dirname(manifest), 'bin', 'holdfast.mjs')).href
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  return undefined
}
