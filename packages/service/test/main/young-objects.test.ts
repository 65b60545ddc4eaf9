import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { servingFlags } from '../../src/main/young-objects.ts'

const started = (node: string, execArgv: string[] = [], env: Record<string, string> = {}) => ({
  execArgv,
  env,
  versions: { ...process.versions, node },
})

const ROOM = '--max-semi-space-size=32'

test.each([
  ['20.19.0', [], {}, [ROOM]],
  ['22.15.0', ['--enable-source-maps'], {}, ['--enable-source-maps', ROOM]],
  ['24.0.0', [], {}, []],
  ['20.19.0', ['--max-semi-space-size=8'], {}, ['--max-semi-space-size=8']],
  ['20.19.0', [], { NODE_OPTIONS: '--max-semi-space-size=64' }, []],
])('Node %s, started with %j and %j, serves with %j', (node, execArgv, env, flags) => {
  expect(servingFlags(started(node, execArgv, env))).toEqual(flags)
})

/** Fills what a server would call requests in flight, and says how large the young space became. */
const CHURN = `
let most = 0
for (let kept = [], i = 0; i < 4_000_000; i++) {
  kept.push({ i, text: 'x' + i })
  if (kept.length > 100_000) kept = []
  if (i % 100_000 === 0) {
    const young = require('node:v8').getHeapSpaceStatistics()
      .find(({ space_name }) => space_name === 'new_space')
    most = Math.max(most, young.space_size)
  }
}
console.log(most)`

test('with its flags a process has more than 32 MiB for young objects', () => {
  const flags = servingFlags(started(process.versions.node))

  const { stdout } = spawnSync(process.execPath, [...flags, '-e', CHURN], { env: {} })

  expect(Number(stdout)).toBeGreaterThan(32 * 1_048_576)
})
