import { RESEND_S, type RotationStatus, show, startFamily } from './proposed-family.ts'

/**
 * What decision 16 proposes, beside the table as it is, over the same random orders of an owner and
 * a thief.
 */
export interface Comparison {
  readonly orders: number
  /** Orders without a thief that end in a fork. */
  readonly falseForks: { readonly now: number; readonly proposed: number }
  /** Orders in which a predecessor was taken for a rolled-back cookie jar: shown by whom. */
  readonly healed: { readonly owner: number; readonly thief: number }
  /** Sensitive calls that passed in a healed family: must be none. */
  readonly sensitiveAfterwards: number
  /**
   * Owners healed over what a thief had used: for how long after it was sent, s, and whether for a
   * sensitive call.
   */
  readonly unseen: {
    readonly orders: number
    readonly longestS: number
    readonly sensitive: number
  }
  /**
   * A thief made the family roll back, the owner showed the newer secret, and it was no fork. Must
   * be none.
   */
  readonly ownerMissed: number
  /**
   * Both showed the predecessor within the ten seconds of a resend, and ride together until the
   * next rotation: so today.
   */
  readonly together: number
}

type Step = { readonly after: number; readonly who: 'owner' | 'thief' | 'copy' | 'kill' } & {
  readonly sensitive: boolean
}

interface Seen {
  readonly at: number
  readonly who: 'owner' | 'thief'
  readonly generation: number
  readonly sensitive: boolean
  readonly status: RotationStatus
  readonly ok: boolean
  readonly sent: number | undefined
}

const ORDERS = 100_000
const COMMIT_S = 30
const GAPS_S = [1, 2, 5, 8, 11, 20, 25, 31, 34, 40, 61, 70, 120, 301, 310]

export function compareProposal(random: () => number): Comparison {
  const falseForks = { now: 0, proposed: 0 }
  const healed = { owner: 0, thief: 0 }
  const unseen = { orders: 0, longestS: 0, sensitive: 0 }
  let sensitiveAfterwards = 0
  let ownerMissed = 0
  let together = 0

  for (let i = 0; i < ORDERS; i++) {
    const steps = order(random)
    const proposed = play(steps, { heals: true })
    if (!proposed.some(({ who }) => who === 'thief')) {
      if (play(steps, { heals: false }).some(({ status }) => status === 'fork')) falseForks.now++
      if (proposed.some(({ status }) => status === 'fork')) falseForks.proposed++
    }
    const at = proposed.findIndex(({ status }) => status === 'rolled_back')
    const healing = proposed[at]
    if (healing === undefined) continue
    healed[healing.who]++
    const before = proposed.slice(0, at)
    const after = proposed.slice(at + 1)
    sensitiveAfterwards += after.filter(({ ok, sensitive }) => ok && sensitive).length
    if (healing.who === 'thief') {
      const returned = after.find(
        ({ who, at: when, generation, status }) =>
          who === 'owner' &&
          when - healing.at > RESEND_S &&
          generation !== healing.generation &&
          status !== 'fork',
      )
      const given = after.some(({ who, sent }) => who === 'owner' && sent === returned?.generation)
      if (returned !== undefined && !given) ownerMissed++
      const first = after.find(({ who }) => who === 'owner')
      if (first?.ok && first.status === 'resend') together++
      continue
    }
    const newest = Math.max(...before.map(({ generation }) => generation))
    const used = before.filter(({ who, generation }) => who === 'thief' && generation === newest)
    const last = used.at(-1)
    if (last === undefined) continue
    const sentAt = before.find(({ sent }) => sent === newest)?.at ?? last.at
    unseen.orders++
    unseen.longestS = Math.max(unseen.longestS, last.at - sentAt)
    if (used.some(({ sensitive }) => sensitive)) unseen.sensitive++
  }
  return { orders: ORDERS, falseForks, healed, sensitiveAfterwards, unseen, ownerMissed, together }
}

function order(random: () => number): readonly Step[] {
  const length = 6 + Math.floor(random() * 14)
  return Array.from({ length }, () => {
    const after = GAPS_S[Math.floor(random() * GAPS_S.length)] ?? 1
    return { after, who: whoOf(random()), sensitive: random() < 0.12 }
  })
}

function whoOf(share: number): Step['who'] {
  if (share < 0.45) return 'owner'
  if (share < 0.8) return 'thief'
  return share < 0.9 ? 'kill' : 'copy'
}

/**
 * Both in one context, with the same facts: the thief that nothing else can tell apart. Ends with a
 * fork.
 */
function play(steps: readonly Step[], { heals }: { readonly heals: boolean }): readonly Seen[] {
  const family = startFamily()
  const seen: Seen[] = []
  const cookieJar = { now: 1, committed: 1, due: Number.POSITIVE_INFINITY }
  let stolen: number | undefined
  let at = 1_000

  for (const { after, who, sensitive } of steps) {
    at += after
    if (cookieJar.due <= at) {
      cookieJar.committed = cookieJar.now
      cookieJar.due = Number.POSITIVE_INFINITY
    }
    if (who === 'copy') stolen = cookieJar.now
    if (who === 'kill') {
      cookieJar.now = cookieJar.committed
      cookieJar.due = Number.POSITIVE_INFINITY
    }
    if (who === 'copy' || who === 'kill') continue
    const generation = who === 'owner' ? cookieJar.now : stolen
    if (generation === undefined) continue
    const { status, ok, sent } = show(family, { generation, at, sensitive, heals })
    seen.push({ at, who, generation, sensitive, status, ok, sent })
    if (status === 'fork') break
    if (sent === undefined) continue
    if (who === 'thief') stolen = sent
    else {
      cookieJar.now = sent
      cookieJar.due = Math.min(cookieJar.due, at + COMMIT_S)
    }
  }
  return seen
}
