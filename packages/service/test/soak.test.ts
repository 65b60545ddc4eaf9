import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { folder } from './support.ts'

interface Reported {
  readonly rows: readonly { readonly what: string; readonly answered: number }[]
  readonly faults: readonly unknown[]
  readonly masters: number
}

test('two minutes of faults on Sentinel and Cluster leave everything true', async () => {
  const json = join(folder(), 'report.json')
  const words = ['--minutes', '2', '--seed', '7', '--people', '40', '--busy', '--json', json]

  const { stdout } = await promisify(execFile)(process.execPath, ['tools/soak.mjs', ...words])

  expect(stdout).toContain(' 0 violations')
  const { reports } = JSON.parse(readFileSync(json, 'utf8'))
  for (const { rows, faults, masters } of Object.values<Reported>(reports)) {
    expect(rows.find(({ what }) => what === 'visit')?.answered).toBeGreaterThan(99)
    expect(faults.length).toBeGreaterThan(3)
    expect(masters).toBeGreaterThan(0)
  }
}, 600_000)
