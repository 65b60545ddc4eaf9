import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import common from '../../vitest.config.ts'

const tests: readonly string[] = JSON.parse(process.env.MUTATION_TESTS ?? '[]')
const alias = Array.isArray(common.resolve?.alias) ? common.resolve.alias : []

/** For the runs of one mutated file: its own tests alone, and fewer examples of each property. */
export default defineConfig({
  resolve: {
    alias: [
      ...alias,
      {
        find: /^fast-check$/,
        replacement: fileURLToPath(new URL('fewer-examples.mjs', import.meta.url)),
      },
    ],
  },
  test: { include: [...tests], testTimeout: 10_000, hookTimeout: 60_000 },
})
