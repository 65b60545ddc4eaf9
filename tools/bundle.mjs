import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/**
 * Puts the compiled modules of a package together: one file for each public entry, and shared ones
 * for what several need. Loading a hundred small files costs a process more than all else it does
 * before its first request. Each entry also gets what `require` asks for.
 */
export async function bundle(folder) {
  const dist = join(folder, 'dist')
  const entries = entriesOf(folder)
  const modules = await bundledModules(dist, entries)
  const types = await bundledTypes(dist, entries)
  for (const path of readdirSync(dist, { recursive: true })) {
    if (path.endsWith('.js')) rmSync(join(dist, path))
  }
  for (const { path, text } of [...modules, ...types, ...entries.map(shim)]) {
    mkdirSync(dirname(join(dist, path)), { recursive: true })
    writeFileSync(join(dist, path), text)
  }
}

/** The public entries of a package, as paths below `dist` without an ending. */
export function entriesOf(folder) {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return Object.values(exports).flatMap((target) =>
    target.import === undefined ? [] : target.import.default.replace(/^\.\/dist\/|\.js$/g, ''),
  )
}

async function bundledModules(dist, entries) {
  const output = await bundled(dist, entries, { ending: '.js', platform: 'neutral' })
  return output.map(({ fileName, code }) => ({ path: fileName, text: code }))
}

/**
 * Declarations for `require`: TypeScript takes those beside the modules for ES modules, whatever
 * their package says.
 */
async function bundledTypes(dist, entries) {
  // Only here: what installs the packages imports this file, too.
  const { dts } = await import('rolldown-plugin-dts')
  const plugins = dts({ dtsInput: true, emitDtsOnly: true, tsconfig: false })
  const output = await bundled(dist, entries, { ending: '.d.ts', plugins })
  return output.map(({ fileName, code }) => ({
    path: fileName.replace(/\.d\.ts$/, '.d.cts'),
    text: code.replace(/(from "\.[^"]*)\.js"/g, '$1.cjs"').replace(ES_MODULES_ALONE, AS_MODULE),
  }))
}

/** Packages that TypeScript would not let a declaration for `require` import otherwise. */
const ES_MODULES_ALONE = /^import (\{[^}]*\} from "@nestjs\/\w+")/gm
const AS_MODULE = 'import type $1 with { "resolution-mode": "import" }'

async function bundled(dist, entries, { ending, ...options }) {
  const { rolldown } = await import('rolldown')
  const build = await rolldown({
    input: Object.fromEntries(entries.map((entry) => [entry, join(dist, `${entry}${ending}`)])),
    // Packages stay what they are: the user's own.
    external: /^[^./]/,
    checks: { pluginTimings: false },
    ...options,
  })
  const { output } = await build.generate({
    format: 'esm',
    entryFileNames: `[name]${ending}`,
    chunkFileNames: `shared/[name]${ending}`,
  })
  await build.close()
  return output
}

/** The module itself, so that a process never has two copies of it. */
function shim(entry) {
  return { path: `${entry}.cjs`, text: `module.exports = require('./${basename(entry)}.js')\n` }
}
