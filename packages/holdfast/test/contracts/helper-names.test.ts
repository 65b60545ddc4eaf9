import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ADAPTER_HELPERS } from '../../src/contracts/adapters/adapter-contract.ts'

test('the page on frameworks has a row for every name that adapters have', () => {
  const page = new URL('../../../../docs/frameworks/README.md', import.meta.url)
  const rows = [...readFileSync(page, 'utf8').matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)

  expect(rows.toSorted()).toEqual(ADAPTER_HELPERS.toSorted())
})
