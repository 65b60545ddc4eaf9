import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { build } from './build.mjs'
import { geoData } from './geo-data.mjs'
import { fail, orFail, root, runBin } from './run.mjs'
import { setup } from './setup.mjs'

const RESULT = join(root, '.cache', 'test-result.json')

await setup({
  debian: [
    'redis-server',
    'chromium',
    'nginx',
    'caddy',
    'haproxy',
    'golang-go',
    'golang-golang-x-mod-dev',
    'default-jdk-headless',
    'postgresql',
    'rsyslog-gnutls',
    'python3-jwt',
    'python3-cryptography',
  ],
})
await orFail(build())
// Once, here: converting takes longer than a test may.
await orFail(geoData())

mkdirSync(join(root, '.cache'), { recursive: true })
rmSync(RESULT, { force: true })
const { code } = await runBin(
  'vitest',
  [
    'run',
    '--reporter=default',
    `--reporter=${join(root, 'tools', 'test-reporter.mjs')}`,
    `--maxWorkers=${availableParallelism()}`,
    ...process.argv.slice(2),
  ],
  { inherit: true, env: { ...process.env, TEST_RESULT_FILE: RESULT } },
)

const { passed, failed, skipped } = readResult()
for (const { name, reason } of skipped) {
  process.stdout.write(`skipped: ${name}${reason ? ` (${reason})` : ' WITHOUT A REASON'}\n`)
}
const unexplained = skipped.filter(({ reason }) => !reason).length
// A file that could not be loaded, an error outside of any test, or no test at all are failures
// too.
const silent = failed === 0 && (code !== 0 || passed === 0) ? 1 : 0
const failures = failed + unexplained + silent
for (const step of (process.env.FAILED_BEFORE ?? '').split(',').filter(Boolean)) {
  process.stdout.write(`FAILED before the tests: ${step}\n`)
}
process.stdout.write(`\n${passed} passed, ${failures} failed\n`)
process.exit(failures === 0 ? 0 : 1)

function readResult() {
  try {
    return JSON.parse(readFileSync(RESULT, 'utf8'))
  } catch {
    return fail('vitest ended without a result.\n\n0 passed, 1 failed')
  }
}
