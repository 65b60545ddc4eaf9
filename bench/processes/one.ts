import { readFileSync } from 'node:fs'
import { parseKeyring } from 'holdfast'
import { expectUser, requestFrom } from '../facts.ts'
import { engineOn, storeOf } from '../http/estate.ts'
import { type Crowd, type Visitor, WORKING } from '../http/visitors.ts'
import { clock } from '../revocation/words.ts'
import { round } from '../rounds.ts'
import type { ProcessOrder, ProcessPlace, ProcessWord } from './words.ts'

process.on('disconnect', () => process.exit())
const place: ProcessPlace = JSON.parse(process.argv[2] ?? '{}')
const crowd: Crowd = JSON.parse(readFileSync(place.crowd, 'utf8'))
const visitors = crowd.visitors.slice(0, WORKING.turn.sessions)
const ground = { folder: place.folder, redisPort: place.redisPort }
const sessions = engineOn(storeOf('Redis', ground), {
  ground,
  keyring: parseKeyring(readFileSync(place.keyring, 'utf8')),
  localCopies: place.hot && { max: visitors.length },
})

/** From another session than the other processes begin with. */
let turn = process.pid % visitors.length

process.on('message', (order: ProcessOrder) => {
  answer(order).then(say, (error: Error) => say({ kind: 'failed', why: error.message }))
})
say({ kind: 'ready' })

async function answer(order: ProcessOrder): Promise<ProcessWord> {
  switch (order.kind) {
    case 'verify': {
      const started = performance.now()
      const measured = await round(async () => {
        const visitor = visitorAt(turn++)
        expectUser(await userOf(visitor), visitor.user)
      }, order)
      return { kind: 'verified', ...measured, ms: performance.now() - started }
    }
    case 'await end': {
      const visitor = visitorAt(order.turn)
      expectUser(await userOf(visitor), visitor.user)
      say({ kind: 'waiting' })
      let asked = 1
      while ((await userOf(visitor)) === visitor.user) {
        asked++
        // Others have their turn: the news of an end comes by a socket.
        await new Promise((go) => setImmediate(go))
      }
      return { kind: 'refused', at: clock(), asked }
    }
    case 'end': {
      const { cookie } = visitorAt(order.turn)
      await sessions.logout(tokenIn(cookie))
      return { kind: 'ended', at: clock() }
    }
  }
}

async function userOf({ cookie, ip }: Visitor): Promise<string> {
  const answer = await sessions.verify({ token: tokenIn(cookie), request: requestFrom(ip) })
  return answer.ok ? answer.session.subject : answer.code
}

function visitorAt(at: number): Visitor {
  const visitor = visitors[at % visitors.length]
  if (visitor === undefined) throw new Error('There is nobody to ask as.')
  return visitor
}

function tokenIn(cookie: string): string {
  return /__Host-session=([^;]+)/.exec(cookie)?.[1] ?? ''
}

function say(word: ProcessWord): void {
  process.send?.(word)
}
