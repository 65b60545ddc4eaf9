import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type MeasuredKinds, measureRequestKinds } from './request-kinds.ts'

const file = new URL('../../../../docs/measured/request-kinds.json', import.meta.url)

test('the Chromium that is here leaves out of each kind what the table says', async () => {
  const table = JSON.parse(readFileSync(file, 'utf8')) as MeasuredKinds

  const measured = await measureRequestKinds()

  // Another version may differ: `node tools/request-kinds.mjs` writes the table again.
  expect(measured.kinds).toEqual(table.kinds)
}, 90_000)
