import type { StartAdapter } from '../../../src/testing/adapter-contract.ts'
import { startExpress } from './express.ts'
import { startFastify } from './fastify.ts'
import { startFetch } from './fetch.ts'
import { startHono } from './hono.ts'
import { startNode } from './node.ts'

/** The application of the adapter contract, once for each adapter. */
export const STARTERS: readonly (readonly [name: string, start: StartAdapter])[] = [
  ['express', startExpress],
  ['fastify', startFastify],
  ['fetch', startFetch],
  ['hono', startHono],
  ['node', startNode],
]
