import { expect, test } from 'vitest'
import { lineOf, packedProjects } from '../../../tools/packed.mjs'

/** It installs packages: on a busy machine that takes longer than other tests may. */
const timeout = 600_000

// The other projects are driven by `npm run packed`, which takes minutes.
test('bundles of a fresh project guard their routes', { timeout }, async (context) => {
  const results = await packedProjects(['bundlers'])

  const [away] = results.filter(({ unreachable }) => unreachable !== undefined)
  context.skip(away !== undefined, away && lineOf(away))
  expect(results.filter(({ failure }) => failure !== undefined).map(lineOf)).toEqual([])
})
