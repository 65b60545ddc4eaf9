import { revocationFeed } from 'holdfast/tokens'
import { child, clock, say } from './words.ts'

const [verifiers = '', key = '', ...urls] = process.argv.slice(2)

/** Verifiers spread over the services, as so many services of an estate would be. */
child(async () => {
  const feeds = Array.from({ length: Number(verifiers) }, (_, i) =>
    revocationFeed({ url: urls[i % urls.length] ?? '', key }),
  )
  await Promise.all(feeds.map((feed) => feed.ready()))

  process.on('message', (session: string) => {
    const token = { sid: session, gen: 0, iat: 0 }
    let accepting = feeds.length
    for (const feed of feeds) {
      const leave = feed.onRevoked(() => {
        if (!feed.isRevoked(token)) return
        leave()
        if (--accepting === 0) say({ kind: 'refused', session, at: clock() })
      })
    }
    say({ kind: 'ready', url: '' })
  })
  return ''
})
