import { expect, test } from 'vitest'
import { lineOf, packedProjects } from '../../../tools/packed.mjs'

/** The rest is driven by `npm run packed`, which takes minutes. */
const NAMES = ['commonjs', 'bundlers']

test('fresh projects install the packed library, compile, and guard routes', async (context) => {
  const results = await packedProjects(NAMES)

  const [away] = results.filter(({ unreachable }) => unreachable !== undefined)
  context.skip(away !== undefined, away && lineOf(away))
  expect(results.filter(({ failure }) => failure !== undefined).map(lineOf)).toEqual([])
})
