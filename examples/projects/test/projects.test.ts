import { expect, test } from 'vitest'
import { lineOf, packedProjects } from '../../../tools/packed.mjs'

/** The rest is driven by `npm run packed`, which takes minutes. */
const NAMES = ['commonjs', 'bundlers']

// They install packages: on a busy machine that takes longer than other tests may.
const timeout = 600_000

test('fresh projects take the packed library, and guard routes', { timeout }, async (context) => {
  const results = await packedProjects(NAMES)

  const [away] = results.filter(({ unreachable }) => unreachable !== undefined)
  context.skip(away !== undefined, away && lineOf(away))
  expect(results.filter(({ failure }) => failure !== undefined).map(lineOf)).toEqual([])
})
