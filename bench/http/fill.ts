import { readFileSync } from 'node:fs'
import { parseKeyring } from 'holdfast'
import { fillEstate } from './estate.ts'
import { child, type Place, say } from './server.ts'
import { keepCrowd } from './visitors.ts'

/** Fills a store by logging in, tells where its visitors are written down, and ends. */
await child(async ({ kind, ground, keyring, size }: Place) => {
  const store = kind === 'LMDB' ? 'LMDB' : 'Redis'
  const ring = parseKeyring(readFileSync(keyring, 'utf8'))
  const crowd = await fillEstate(store, {
    ground,
    keyring: ring,
    size,
    tell: (text) => say({ kind: 'progress', text }),
  })
  say({ kind: 'filled', crowd: keepCrowd(ground.folder, `crowd-${store}`, crowd) })
})
