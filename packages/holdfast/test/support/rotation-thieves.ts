import {
  type Answer,
  type Estate,
  isForked,
  jarOf,
  type Place,
  type Showing,
} from './rotation-world.ts'

/** What a thief may do with a copy of the owner's jar. */
export interface Scene {
  readonly world: Estate
  readonly copy: string
  /** Each time when the owner has sent a request. */
  onOwner(listener: () => void): void
  show(secret: string, how?: Showing): Promise<Answer>
  /** Later, unless a fork was found. */
  after(ms: number, happens: () => void | Promise<void>): void
}

export type Thief = (scene: Scene) => void | Promise<void>

/** How the owner asks: always, without a pause longer than `everyMs`. */
export interface Owner {
  readonly everyMs: number
  readonly sensitive?: (turn: number) => boolean
}

/**
 * The owner goes on as ever; the jar is copied after `copiedAfterMs`. Returns how long it takes
 * from the copy until a fork is found; undefined: longer than `withinMs`.
 */
export async function foundAfter(
  world: Estate,
  { everyMs, sensitive = () => false }: Owner,
  thief: Thief,
  { copiedAfterMs, withinMs }: { readonly copiedAfterMs: number; readonly withinMs: number },
): Promise<number | undefined> {
  const jar = jarOf(world, await world.login())
  const copiedAt = world.now() + copiedAfterMs
  const end = copiedAt + withinMs
  const listeners: (() => void)[] = []
  let found: number | undefined
  const going = (): boolean => found === undefined && world.now() <= end
  const note = (answer: Answer): void => {
    if (isForked(answer)) found ??= world.now() - copiedAt
  }

  function ask(turn: number): void {
    if (!going()) return
    const process = turn % 2 === 0 ? 0 : 1
    jar.send({ up: 20, down: 20, how: { sensitive: sensitive(turn), process }, done: note })
    for (const listener of listeners) listener()
    world.at(world.now() + everyMs, () => ask(turn + 1))
  }

  world.at(world.now() + 1_000, () => ask(0))
  world.at(copiedAt, () =>
    thief({
      world,
      copy: jar.held(),
      onOwner: (listener) => listeners.push(listener),
      async show(secret, how) {
        const answer = await world.show(secret, how)
        note(answer)
        return answer
      },
      after: (ms, happens) => world.at(world.now() + ms, () => (going() ? happens() : undefined)),
    }),
  )
  await world.run()
  return found
}

/** Shows what it was sent last, this long after each request of the owner. */
export function follower(behindMs: number, place: Place = 'home'): Thief {
  return ({ copy, onOwner, after, show }) => {
    let held = copy
    onOwner(() =>
      after(behindMs, async () => {
        held = sentOr(held, await show(held, { place }))
      }),
    )
  }
}

/** Shows the copy again and again, takes every successor that it is sent, and shows none. */
export function hoarder(everyMs: number, place: Place = 'home'): Thief {
  return ({ copy, after, show }) => {
    const again = async (): Promise<void> => {
      await show(copy, { place })
      after(everyMs, again)
    }
    return again()
  }
}

/** Asks until it is sent a successor, waits, and goes on with that. */
export function minter(waitMs: number, how: Showing = {}): Thief {
  return ({ copy, after, show }) => {
    let held = copy
    const again = async (): Promise<void> => {
      const next = sentOr(held, await show(held, how))
      after(next === held ? 900 : waitMs, again)
      held = next
    }
    return again()
  }
}

/** Comes from two addresses in turns, so that the secret becomes due. */
export function flipper(waitMs: number): Thief {
  return ({ copy, after, show }) => {
    let held = copy
    let turn = 0
    const again = async (): Promise<void> => {
      const place = turn++ % 2 === 0 ? 'home' : 'homeBySix'
      held = sentOr(held, await show(held, { place }))
      after(waitMs, again)
    }
    return again()
  }
}

function sentOr(held: string, answer: Answer): string {
  return answer.kind === 'served' ? (answer.sent ?? held) : held
}
