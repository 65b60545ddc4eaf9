/** What a new project may be made with. */
export const FRAMEWORKS = ['express', 'fastify', 'hono', 'koa', 'node'] as const
export const STORES = ['lmdb', 'redis', 'memory'] as const
export const CARRIERS = ['cookie', 'bearer'] as const

export type Framework = (typeof FRAMEWORKS)[number]

export interface Choices {
  readonly framework: Framework
  readonly store: (typeof STORES)[number]
  readonly carrier: (typeof CARRIERS)[number]
}

/** The packages that the written files import, beside `holdfast`. */
export function packagesOf({ framework, store }: Choices): readonly string[] {
  return [...PACKAGES[framework], ...(store === 'lmdb' ? ['lmdb'] : [])]
}

const PACKAGES: Readonly<Record<Framework, readonly string[]>> = {
  express: ['express'],
  fastify: ['fastify'],
  hono: ['hono', '@hono/node-server'],
  koa: ['koa', '@koa/router', '@koa/bodyparser'],
  node: [],
}
