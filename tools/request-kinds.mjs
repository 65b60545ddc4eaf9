import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { fail, isMain, root } from './run.mjs'
import { setup } from './setup.mjs'

const SOURCE = join(root, 'packages', 'holdfast', 'test', 'browser', 'request-kinds.ts')
const CACHE = join(root, '.cache', 'request-kinds')
const TABLE = join(root, 'docs', 'measured', 'request-kinds.json')

const HELP = `node tools/request-kinds.mjs

Makes Chromium send each kind of request, and writes to docs/measured/request-kinds.json what it
leaves out of which.
`

if (isMain(import.meta.url)) {
  if (process.argv.length > 2) fail(HELP)
  await setup({ debian: ['chromium'] })
  const table = await measured()
  writeFileSync(TABLE, `${JSON.stringify(table, null, 2)}\n`)
  process.stdout.write(`${Object.keys(table.kinds).length} kinds of ${table.browser}\n`)
}

/** The source is TypeScript: it is put together before it can run. */
async function measured() {
  mkdirSync(CACHE, { recursive: true })
  const { rolldown } = await import('rolldown')
  const bundled = await rolldown({ input: SOURCE, platform: 'node', external: ['playwright-core'] })
  const file = join(CACHE, 'request-kinds.mjs')
  await bundled.write({ file, format: 'esm' })
  try {
    const { measureRequestKinds } = await import(pathToFileURL(file).href)
    return await measureRequestKinds()
  } finally {
    rmSync(CACHE, { recursive: true, force: true })
  }
}
