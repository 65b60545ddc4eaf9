import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sealingCodec } from '../../src/codecs/codec.ts'
import type { Claims } from '../../src/codecs/token-codec.ts'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { inMemory, SECOND } from '../support/harness.ts'
import { foundAfter, type Thief } from '../support/rotation-thieves.ts'
import { type Estate, estate, isForked, RULE, sentBy } from '../support/rotation-world.ts'

/** What a thief who has the key ring can make: any token, but no link of a secret unseen. */
interface Forged {
  readonly ahead: number
  readonly mintedAgoMs: number
  readonly parent?: Uint8Array
  readonly grandparent?: Uint8Array
}

function forger(world: Estate): {
  read(token: string): Claims
  forge(from: Claims, how: Forged): string
} {
  const codec = sealingCodec(world.keyring, fakeHost({ seed: 'forger' }))
  return {
    read(token) {
      const claims = codec.authenticate(token)
      if (typeof claims === 'string') throw new Error(claims)
      return claims
    },
    forge({ session, kind, family, generation }, { ahead, mintedAgoMs, ...links }) {
      const mintedAt = world.clock(0) - mintedAgoMs
      const next = generation + ahead
      return codec.mint({ session, kind, family, generation: next, mintedAt, ...links }).token
    },
  }
}

describe.each(['session', 'refresh'] as const)('a key ring alone, without a %s secret', (line) => {
  test.each([-1, 0, 1, 2, 3])('makes no secret %d generations ahead that passes', async (ahead) => {
    const world = await estate(inMemory, { line })
    const first = await world.login()
    await world.run(world.now() + RULE[line].rotation + RULE[line].window + 1)
    const next = sentBy(await world.show(first))
    await world.show(next)
    const { read, forge } = forger(world)

    for (const mintedAgoMs of [0, 20 * SECOND, -20 * SECOND]) {
      const links = { parent: randomBytes(16), grandparent: randomBytes(16) }
      const forged = forge(read(next), { ahead, mintedAgoMs, ...links })
      expect(await world.wouldServe(forged)).toBe(false)
    }
  })
})

describe('a key ring together with a stolen secret', () => {
  test('makes no sibling of a secret that has been shown', async () => {
    const world = await estate(inMemory)
    const stolen = await world.login()
    await world.run(world.now() + RULE.session.rotation)
    await world.show(sentBy(await world.show(stolen)))
    await world.run(world.now() + 15 * SECOND)
    const { read, forge } = forger(world)
    const claims = read(stolen)

    const forged = forge(claims, { ahead: 1, mintedAgoMs: 0, parent: claims.link })

    expect(isForked(await world.show(forged))).toBe(true)
  })

  test.each([1, 10, 60])('is found all the same: the owner asks every %d s', async (seconds) => {
    const { rotation, window } = RULE.session
    const world = await estate(inMemory)
    const withinMs = rotation + 2 * window + 3 * seconds * SECOND
    const moves = fc.array(
      fc.record({
        pick: fc.nat(7),
        ahead: fc.constantFrom(0, 1, 2),
        // What was minted tomorrow must gain nothing by that.
        mintedAgoMs: fc.constantFrom(0, 20_000, 80_000, 160_000, -86_400_000),
        waitMs: fc.constantFrom(10 * SECOND, 20 * SECOND, 30 * SECOND),
      }),
      { minLength: 3, maxLength: 10 },
    )
    const copied = fc.constantFrom(2_000, 150_000, 299_000)

    await fc.assert(
      fc.asyncProperty(moves, copied, async (plan, copiedAfterMs) => {
        const owner = { everyMs: seconds * SECOND }
        const thief = forging(plan)
        const found = await foundAfter(world, owner, thief, { copiedAfterMs, withinMs })

        expect(found).toBeDefined()
      }),
      { seed: 41, numRuns: seconds === 1 ? 3 : 12 },
    )
  })
})

interface Move {
  readonly pick: number
  /** 0: shows what there is. Else forges a successor, or the successor of one. */
  readonly ahead: number
  readonly mintedAgoMs: number
  readonly waitMs: number
}

/** Knows what would be served, and shows or forges one of that at each turn. */
function forging(plan: readonly Move[]): Thief {
  return ({ world, copy, after, show }) => {
    const { read, forge } = forger(world)
    let loot = [copy]

    const turn = async (index: number): Promise<void> => {
      const move = plan[index % plan.length]
      if (move === undefined) return
      const good: string[] = []
      for (const secret of choices(move)) if (await world.wouldServe(secret)) good.push(secret)
      // Who has nothing left to show has lost.
      const secret = good[move.pick % Math.max(1, good.length)] ?? copy
      const answer = await show(secret)
      const sent = answer.kind === 'served' ? answer.sent : undefined
      loot = [...new Set([...loot, secret, ...(sent === undefined ? [] : [sent])])].slice(-4)
      after(move.waitMs, () => turn(index + 1))
    }

    function choices({ ahead, mintedAgoMs }: Move): readonly string[] {
      if (ahead === 0) return loot
      return [copy, ...loot].map((root) => {
        const claims = read(root)
        const links =
          ahead === 1
            ? {
                parent: claims.link,
                ...(claims.parentLink === undefined ? {} : { grandparent: claims.parentLink }),
              }
            : { grandparent: claims.link }
        return forge(claims, { ahead, mintedAgoMs, ...links })
      })
    }

    return turn(0)
  }
}
