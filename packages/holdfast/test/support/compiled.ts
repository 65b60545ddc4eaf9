import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const library = fileURLToPath(new URL('../../', import.meta.url))

/** Sources as JavaScript, for processes of their own that run without a test runner. */
export interface Compiled {
  /** Where `src/` of the library is found, as .js files. */
  readonly directory: string
  /** Writes a module beside them and returns its path. */
  script(name: string, source: string): string
  remove(): void
}

/** Compiles files of `src/` and all that they import. */
export function compiled(...files: readonly string[]): Compiled {
  const cache = join(library, '../../node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const directory = mkdtempSync(join(cache, 'holdfast-test-'))
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({
      extends: join(library, '../../tsconfig.base.json'),
      compilerOptions: {
        rootDir: join(library, 'src'),
        outDir: directory,
        declaration: false,
        typeRoots: [join(library, '../../node_modules/@types')],
      },
      files: files.map((file) => join(library, 'src', file)),
    }),
  )
  const tsc = join(
    dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin/tsc',
  )
  const run = spawnSync(process.execPath, [tsc, '-p', directory], { encoding: 'utf8' })
  if (run.status !== 0) throw new Error(`the sources do not compile:\n${run.stdout}${run.stderr}`)

  return {
    directory,
    script(name, source) {
      const path = join(directory, name)
      writeFileSync(path, source)
      return path
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}
