import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { bundle } from './bundle.mjs'
import { isMain, orFail, outputOf, root, runBin } from './run.mjs'
import { setup } from './setup.mjs'

/** In the order in which they need each other. */
const PARTS = ['packages/holdfast', 'packages/service', 'examples/shop', 'examples/adapters']

/** Put together after compiling: an application waits for it at every start. */
const BUNDLED = 'packages/holdfast'

const SETTINGS = ['tsconfig.base.json', 'package-lock.json', 'tools/bundle.mjs']

/**
 * Compiles each part whose sources are newer than what was built from them; a part that changed
 * rebuilds those after it. Throws what the compiler said.
 */
export async function build({ say = (text) => process.stderr.write(`${text}\n`) } = {}) {
  let changed = false
  for (const part of PARTS) {
    const folder = join(root, part)
    if (!hasSources(join(folder, 'src'))) continue
    if (!changed && isBuilt(folder)) continue
    changed = true
    say(`Building ${part} ...`)
    rmSync(join(folder, 'dist'), { recursive: true, force: true })
    try {
      const result = await runBin('tsc', ['-p', join(folder, 'tsconfig.build.json')])
      if (result.code !== 0) throw new Error(`${part} does not compile:\n\n${outputOf(result)}`)
      if (part === BUNDLED) await bundle(folder)
    } catch (error) {
      // What a failed build left behind must not pass for a finished one.
      rmSync(join(folder, 'dist'), { recursive: true, force: true })
      throw error
    }
  }
  return changed
}

function isBuilt(folder) {
  const dist = join(folder, 'dist')
  if (!existsSync(dist)) return false
  const settings = [
    ...SETTINGS.map((file) => join(root, file)),
    join(folder, 'tsconfig.build.json'),
  ]
  const newest = Math.max(...settings.map(modifiedAt), ...everything(join(folder, 'src')))
  return newest <= Math.min(...everything(dist, (name) => name.endsWith('.js')))
}

/**
 * Modification times of a tree; those of its folders too, so that a deleted file counts as a
 * change.
 */
function everything(folder, wanted) {
  const times = wanted ? [] : [modifiedAt(folder)]
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) times.push(...everything(path, wanted))
    else if (!wanted || wanted(entry.name)) times.push(modifiedAt(path))
  }
  return times
}

function hasSources(folder) {
  return existsSync(folder) && readdirSync(folder).length > 0
}

function modifiedAt(path) {
  return statSync(path).mtimeMs
}

if (isMain(import.meta.url)) {
  await setup()
  const changed = await orFail(build())
  process.stdout.write(changed ? 'Built.\n' : 'Everything is up to date.\n')
}
