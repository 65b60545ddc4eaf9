import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { jsonOf } from './check/sources.mjs'
import { fail, isMain, root } from './run.mjs'
import { setup } from './setup.mjs'

const SOURCE = join(root, 'packages', 'holdfast', 'test', 'golden')
const CACHE = join(root, '.cache', 'golden')

const HELP = `node tools/golden.mjs [--force]

Writes what this version of the library stores and hands out to
packages/holdfast/test/golden/VERSION. All later versions have to read it, so a folder that is
there already stays as it is; --force writes it again, for a version that nobody has used yet.
`

if (isMain(import.meta.url)) {
  const args = process.argv.slice(2)
  if (args.some((arg) => arg !== '--force')) fail(HELP)
  await setup({ debian: ['redis-server'] })
  const { version } = jsonOf('packages/holdfast/package.json')
  const folder = join(SOURCE, version)
  if (existsSync(folder) && !args.includes('--force')) {
    fail(`${folder} is there already. Later versions have to read what it holds.`)
  }
  const files = await golden()
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), `${JSON.stringify(content, null, 2)}\n`)
  }
  process.stdout.write(`${Object.keys(files).length} files in ${folder}\n`)
}

/** The sources are TypeScript: they are put together before they can run. */
async function golden() {
  const { rolldown } = await import('rolldown')
  const bundled = await rolldown({
    input: join(SOURCE, 'make.ts'),
    external: /^[^./]/,
    platform: 'node',
  })
  const file = join(CACHE, 'make.mjs')
  await bundled.write({ file, format: 'esm' })
  await bundled.close()
  const { makeGolden } = await import(pathToFileURL(file).href)
  return makeGolden()
}
