import { Redis } from 'ioredis'
import { BARE_CHANNEL, child, clock, say } from './words.ts'

/** Another process that hears of a bare message, and no more. */
child(async () => {
  const client = new Redis({ host: '127.0.0.1', port: Number(process.argv[2]) })
  client.on('message', (_, session: string) => say({ kind: 'refused', session, at: clock() }))
  await client.subscribe(BARE_CHANNEL)
  return ''
})
