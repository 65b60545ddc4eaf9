import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * Puts the compiled modules of a package together: one file for each public entry, and shared ones
 * for what several need. Loading a hundred small files costs a process more than all else it does
 * before its first request.
 */
export async function bundle(folder) {
  // Only here: what installs the packages imports this file, too.
  const { rolldown } = await import('rolldown')
  const dist = join(folder, 'dist')
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const entries = Object.values(exports).flatMap(({ default: file }) => file ?? [])
  const bundled = await rolldown({
    input: Object.fromEntries(
      entries.map((file) => [file.replace(/^\.\/dist\/|\.js$/g, ''), join(folder, file)]),
    ),
    // Packages stay what they are: the user's own.
    external: /^[^./]/,
    platform: 'neutral',
  })
  const { output } = await bundled.generate({
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'shared/[name].js',
  })
  await bundled.close()
  for (const path of readdirSync(dist, { recursive: true })) {
    if (path.endsWith('.js')) rmSync(join(dist, path))
  }
  for (const { fileName, code } of output) {
    const path = join(dist, fileName)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, code)
  }
}
