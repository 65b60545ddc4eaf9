import { type Random, random } from '../random.ts'
import { jarOf } from './days.ts'
import { forged } from './forge.ts'
import { type Kind, type Line, lineOf, type Showing } from './line.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

/** How a second holder of a line goes about it. Times in ms, shares from 0 to 1. */
export interface Strategy {
  readonly name: string
  /** Between his own requests. Null: he goes by the owner's. */
  readonly every: number | null
  /** After each request of the owner; negative: before the next one. */
  readonly beside: number
  /** Which of the secrets that he holds: the newest, the stolen one, or any. */
  readonly shows: 'newest' | 'stolen' | 'any'
  readonly sensitive: number
  readonly undeliverable: number
  readonly bySix: number
  /** He waits so long before he shows what he was sent. */
  readonly waits: number
  /** He asks a copy of everything first, and shows nothing that would be refused. */
  readonly foresees: boolean
  /** With the tag key in hand: the share of his requests that show a secret of his own making. */
  readonly forges: number
  /** How old he makes that secret. */
  readonly forgedAge: number
}

const plain: Omit<Strategy, 'name'> = {
  every: null,
  beside: 0,
  shows: 'newest',
  sensitive: 0,
  undeliverable: 0,
  bySix: 0,
  waits: 0,
  foresees: false,
  forges: 0,
  forgedAge: 0,
}

/** What people have thought of. */
const KNOWN: readonly Strategy[] = [
  ...[20, 200, SECOND, 9 * SECOND].map((beside) => ({
    ...plain,
    name: `${beside} ms behind each request of the owner`,
    beside,
  })),
  { ...plain, name: '2 s before each request of the owner', beside: -2 * SECOND },
  { ...plain, name: 'asks each second, goes on at once', every: SECOND },
  { ...plain, name: 'asks each second, waits 11 s, goes on', every: SECOND, waits: 11 * SECOND },
  { ...plain, name: 'shows the stolen secret only', every: 10 * SECOND, shows: 'stolen' },
  { ...plain, name: 'hoards, and shows any', every: 5 * SECOND, shows: 'any' },
  { ...plain, name: 'makes sensitive calls', every: 5 * SECOND, sensitive: 1 },
  { ...plain, name: 'from two addresses in turns', every: SECOND, bySix: 0.5 },
  ...[0, 60 * SECOND, 100 * SECOND].map((forgedAge) => ({
    ...plain,
    name: `tag key in hand, makes secrets ${forgedAge / SECOND} s old`,
    every: 10 * SECOND,
    forges: 0.5,
    forgedAge,
    foresees: true,
  })),
]

/** Drawn ones beside each kind of owner, and how often the longest is changed a little. */
const DRAWN = 24
const CHANGED = 8
const FORESEEING = 0.25
const FORGING = 0.3
const FORESIGHT_MS = 5 * SECOND

/** How often the owner asks. */
const OWNERS = [1, 5, 10, 30, 60, 120].map((seconds) => seconds * SECOND)

const LINES: readonly Kind[] = ['session', 'refresh']
const GIVEN_UP_MS = 30 * MINUTE
/** When the secret is copied: a fresh one, and one that is nearly and more than due. */
const COPIED_AFTER = [2 * SECOND, 150 * SECOND, 299 * SECOND, 380 * SECOND]
const UP_MS = 20

/** The longest that anybody rode one line together with its owner. */
export interface Ride {
  readonly kind: Kind
  /** Between the owner's requests, ms. */
  readonly owner: number
  /** From the copy to the last request that was served, ms. */
  readonly longest: number
  readonly strategy: string
  /** The same with the tag key in hand. */
  readonly forging: { readonly longest: number; readonly strategy: string }
  readonly tried: number
}

export interface RidesJob {
  readonly seed: string
  readonly kind: Kind
  readonly owner: number
}

export function ridesJobs(seed: string): readonly RidesJob[] {
  return LINES.flatMap((kind) => OWNERS.map((owner) => ({ seed, kind, owner })))
}

interface Best {
  readonly strategy: Strategy
  readonly longest: number
}

/** Known strategies and drawn ones; the best is then changed step by step. */
export async function rides({ seed, kind, owner }: RidesJob): Promise<Ride> {
  const rng = random(`rides ${seed} ${kind} ${owner}`)
  const none = (forges: number): Best => ({
    strategy: { ...plain, name: 'none', forges },
    longest: 0,
  })
  const best = { honest: none(0), forging: none(0.5) }
  let tried = 0
  const attempt = async (strategy: Strategy): Promise<void> => {
    const means = strategy.forges > 0 ? 'forging' : 'honest'
    for (const copiedAfter of COPIED_AFTER) {
      const longest = await ride({ kind, owner, copiedAfter }, strategy, rng)
      tried++
      if (longest > best[means].longest) best[means] = { strategy, longest }
    }
  }
  for (const strategy of KNOWN) await attempt(strategy)
  for (let drawn = 0; drawn < DRAWN; drawn++) await attempt(strategyFrom(rng))
  for (let changed = 0; changed < CHANGED; changed++) {
    await attempt(changedOf(best.honest.strategy, rng))
    await attempt(changedOf(best.forging.strategy, rng))
  }
  const told = ({ strategy, longest }: Best) => ({ longest, strategy: strategy.name })
  return { kind, owner, ...told(best.honest), forging: told(best.forging), tried }
}

/** From the copy to the last request of the thief that was served. */
async function ride(
  { kind, owner, copiedAfter }: Omit<RidesJob, 'seed'> & { readonly copiedAfter: number },
  strategy: Strategy,
  rng: Random,
): Promise<number> {
  const line = lineOf(kind)
  const jar = jarOf(line, await line.login())
  const stolenAt = line.now() + copiedAfter
  const until = stolenAt + GIVEN_UP_MS
  const listeners: (() => void)[] = []
  let thief: Thief | undefined
  const isOver = (): boolean => jar.refused() || thief?.refused() === true || line.now() > until

  function ask(): void {
    for (const listener of listeners) listener()
    jar.send({ up: UP_MS, down: UP_MS })
    line.at(line.now() + owner, ask)
  }
  line.at(line.now() + SECOND, ask)
  line.at(stolenAt, () => {
    thief = thiefOf(line, jar.held(), strategy, rng)
    const { every, beside } = strategy
    const act = thief.act
    if (every === null) {
      const delay = beside >= 0 ? beside + UP_MS : Math.max(1, owner + beside)
      listeners.push(() => line.at(line.now() + delay, act))
      return
    }
    const again = async (): Promise<void> => {
      await act()
      line.at(line.now() + every * (0.9 + 0.2 * rng.next()), again)
    }
    line.at(line.now(), again)
  })
  await line.run(isOver)
  return Math.max(0, (thief?.lastServed() ?? stolenAt) - stolenAt)
}

interface Thief {
  act(): Promise<void>
  refused(): boolean
  lastServed(): number | undefined
}

const MOST_HELD = 64

function thiefOf(line: Line, stolen: string, strategy: Strategy, rng: Random): Thief {
  const held = [{ secret: stolen, since: line.now() - strategy.waits }]
  let refused = false
  let served: number | undefined

  function chosen(): readonly string[] {
    const ripe = held.filter(({ since }) => line.now() - since >= strategy.waits)
    const secrets = ripe.map(({ secret }) => secret)
    switch (strategy.shows) {
      case 'stolen':
        return [stolen]
      case 'newest':
        return secrets.slice(-1)
      case 'any':
        return [rng.pick(secrets)]
    }
  }

  const made = (secret: string): string =>
    forged(secret, rng.chance(0.7) ? 'successor' : 'sibling', {
      keyring: line.keyring,
      mintedAt: line.instant() - strategy.forgedAge,
    })

  return {
    refused: () => refused,
    lastServed: () => served,
    async act() {
      const how: Showing = {
        sensitive: rng.chance(strategy.sensitive),
        deliverable: !rng.chance(strategy.undeliverable),
        bySix: rng.chance(strategy.bySix),
      }
      for (const base of chosen()) {
        const secret = rng.chance(strategy.forges) ? made(base) : base
        if (strategy.foresees && !(await line.foresee(secret, how)).ok) continue
        const { ok, sent } = await line.show(secret, how)
        if (!ok) refused = true
        else served = line.now()
        const taken = sent ?? (ok && secret !== base ? secret : undefined)
        if (taken === undefined) continue
        held.push({ secret: taken, since: line.now() })
        if (held.length > MOST_HELD) held.splice(1, 1)
      }
    },
  }
}

function strategyFrom(rng: Random): Strategy {
  const byHimself = rng.chance(0.6)
  const foresees = rng.chance(FORESEEING)
  // Each foresight takes a copy of everything.
  const least = foresees ? FORESIGHT_MS : 0
  const every = Math.max(least, rng.pick([0.3, 1, 3, 10, 30, 60, 100]) * SECOND)
  return named({
    every: byHimself ? every : null,
    beside: rng.pick([-30, -9, -1, 0.05, 1, 9, 30, 60]) * SECOND,
    shows: rng.pick(['newest', 'newest', 'any', 'stolen']),
    sensitive: rng.pick([0, 0, 0, 0.1, 1]),
    undeliverable: rng.pick([0, 0, 0.5, 0.9]),
    bySix: rng.pick([0, 0, 0.1, 0.5]),
    waits: rng.pick([0, 0, 1, 11, 21, 61, 83, 120]) * SECOND,
    foresees,
    forges: rng.chance(FORGING) ? rng.pick([0.1, 0.5, 1]) : 0,
    forgedAge: rng.pick([-4, 0, 10, 60, 100]) * SECOND,
  })
}

/** One part is drawn anew; who has the key, and who has it not, stays so. */
function changedOf(strategy: Strategy, rng: Random): Strategy {
  const other = strategyFrom(rng)
  const parts = Object.keys(plain) as (keyof typeof plain)[]
  const part = rng.pick(parts.filter((name) => name !== 'forges'))
  return named({ ...strategy, [part]: other[part] })
}

function named(strategy: Omit<Strategy, 'name'>): Strategy {
  const { every, beside, shows, sensitive, undeliverable, bySix, waits, foresees } = strategy
  const { forges, forgedAge } = strategy
  const parts = [
    every === null
      ? `${Math.abs(beside) / SECOND} s ${beside < 0 ? 'before' : 'behind'} the owner`
      : `each ${every / SECOND} s`,
    shows === 'newest' ? '' : `shows ${shows === 'any' ? 'any that he holds' : 'the stolen one'}`,
    sensitive === 0 ? '' : `${100 * sensitive} % sensitive`,
    undeliverable === 0 ? '' : `${100 * undeliverable} % without a cookie`,
    bySix === 0 ? '' : `${100 * bySix} % from the other address`,
    waits === 0 ? '' : `waits ${waits / SECOND} s`,
    foresees ? 'foresees each answer' : '',
    forges === 0 ? '' : `makes ${100 * forges} % himself, ${forgedAge / SECOND} s old`,
  ]
  return { ...strategy, name: parts.filter((part) => part !== '').join(', ') }
}
