import type { StartAdapter } from '../../../src/contracts/adapters/adapter-contract.ts'
import { EXPRESSES, startOn } from './express.ts'
import { startFastify } from './fastify.ts'
import { startFetch, startNext } from './fetch.ts'
import { startHono } from './hono.ts'
import { startKoa } from './koa.ts'
import { PLATFORMS, startNest } from './nest.ts'
import { startNode } from './node.ts'

/** The application of the adapter contract, once for each adapter. */
export const STARTERS: readonly (readonly [name: string, start: StartAdapter])[] = [
  ...EXPRESSES.map(([name, express]) => [name, startOn(express)] as const),
  ['fastify', startFastify],
  ['fetch', startFetch],
  ['hono', startHono],
  ['koa', startKoa],
  ...PLATFORMS.map(([name, platform]) => [name, startNest(platform)] as const),
  ['next', startNext],
  ['node', startNode],
]
