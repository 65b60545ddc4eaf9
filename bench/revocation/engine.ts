import { redisStore } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { child, clock, say } from './words.ts'

/**
 * Another process with an engine: hears of a revocation by following the feed, as its local copies
 * would.
 */
child(async () => {
  const client = new Redis({ host: '127.0.0.1', port: Number(process.argv[2]) })
  const store = redisStore({ client, subscriber: client.duplicate() })
  const head = await store.feed.head()
  void (async () => {
    for await (const entry of store.feed.watch(head, new AbortController().signal, {
      everyMs: 1_000,
    })) {
      if (entry.kind === 'revoked') {
        say({ kind: 'refused', session: entry.session, at: clock() })
      }
    }
  })()
  return ''
})
