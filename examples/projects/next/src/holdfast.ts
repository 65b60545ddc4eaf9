import { randomBytes } from 'node:crypto'
import { createSessions, newKeyring, type Sessions } from 'holdfast'
import { memoryStore } from 'holdfast/memory'
import { holdfast } from 'holdfast/next'

// Next bundles the proxy, the route handlers and the pages each by themselves: what they share in
// one process has to be global. With `lmdbStore()` or `redisStore()`, `parseKeyring()` of a file
// and a secret from the environment each of them may have an engine of its own.
const shared: typeof globalThis & { shop?: { sessions: Sessions; secret: string } } = globalThis
shared.shop ??= {
  sessions: createSessions({ store: memoryStore(), keyring: newKeyring() }),
  secret: randomBytes(32).toString('base64'),
}
const { sessions, secret } = shared.shop

export const hf = holdfast(sessions, {
  loginPage: '/login',
  stepUpPage: '/step-up',
  // The reverse proxy on this machine writes the client's address into `x-forwarded-for`, and
  // nobody else can reach Next.
  address: { trust: { proxies: ['127.0.0.0/8'] } },
  onBehalf: { secret },
})
