import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const library = new URL('./packages/holdfast/', import.meta.url)
const manifest: { exports: Record<string, { import?: { default: string } }> } = JSON.parse(
  readFileSync(new URL('package.json', library), 'utf8'),
)

/**
 * Tests run the sources as they are: each public entry of the library stands for its source file.
 */
const alias = Object.entries(manifest.exports).flatMap(([entry, { import: built }]) =>
  built === undefined
    ? []
    : {
        find: new RegExp(`^holdfast${entry.slice(1)}$`),
        replacement: fileURLToPath(
          new URL(built.default.replace('./dist/', './src/').replace(/\.js$/, '.ts'), library),
        ),
      },
)

export default defineConfig({
  resolve: { alias },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'examples/*/test/**/*.test.ts'],
    // Files of one worker share what they import: to load it anew for each takes a third of all
    // time. No module keeps state that a test could see.
    isolate: false,
    // Only a test that hangs meets them: a busy machine makes no test fail.
    testTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    hookTimeout: 120_000,
  },
})
