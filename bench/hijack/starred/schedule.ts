import { DAY } from '../devices.ts'
import type { Request } from '../timeline.ts'
import type { Aim } from './levels.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** When a thief asks, what for, and with which secret. */
export interface Schedule {
  /** From the theft to the first use, ms. */
  readonly first: number
  /** Quiet visits, ten hours apart, before anything else: they may make the place a known one. */
  readonly visits: number
  /** Between the requests of the hour that he wants, ms. */
  readonly every: number
  /** Between the times that he comes back afterwards, ms. */
  readonly back: number
  readonly beside: (typeof BESIDE)[number]
  readonly secret: (typeof SECRETS)[number]
}

/** How he arranges himself with the owner, whose requests he sees. */
const BESIDE = [
  'does not care about the owner',
  'a second after a request of the owner',
  'a second before a request of the owner',
  'half an hour after the last request of the owner',
] as const

const SECRETS = [
  'keeps what he is sent',
  'shows the stolen secret only',
  'takes a new secret every other time',
] as const

export const SCHEDULES: { readonly [Part in keyof Schedule]: readonly Schedule[Part][] } = {
  first: [20_000, 10 * MINUTE, 2 * HOUR, 12 * HOUR, DAY],
  visits: [0, 3, 5],
  every: [2_000, 90_000],
  back: [10 * MINUTE, HOUR, 12 * HOUR],
  beside: BESIDE,
  secret: SECRETS,
}

/** Parts of a schedule that make no difference to an aim. */
export const FIXED: Readonly<Record<Aim, Partial<Schedule>>> = {
  reach: { every: 90_000, back: HOUR },
  stay: {},
}

export interface Step {
  readonly at: number
  readonly sensitive: boolean
  /** A new visit: the thief may look for another disguise. */
  readonly opens: boolean
  readonly discards: boolean
}

const HOURS_USE = 40
const VISITS_APART = 10 * HOUR
const GOES_ON = 2 * DAY
const SECOND = 1_000

/** Of one thief who stole at `stolen`; `owners`: what the owner's device sends after that. */
export function stepsOf(
  aim: Aim,
  { first, visits, every, back, beside, secret }: Schedule,
  { stolen, owners }: { readonly stolen: number; readonly owners: readonly Request[] },
): readonly Step[] {
  const steps: Step[] = []
  const until = stolen + first + visits * VISITS_APART + GOES_ON
  const step = (wanted: number, opens: boolean, sensitive = false): number => {
    const at = placed(wanted, beside, owners)
    const odd = steps.length % 2 === 1
    const discards =
      secret === 'shows the stolen secret only' ||
      (secret === 'takes a new secret every other time' && odd)
    if (at <= until) steps.push({ at, sensitive, opens, discards })
    return at
  }

  let at = stolen + first
  for (let visit = 0; visit < visits; visit++) at = step(at, true) + VISITS_APART
  if (aim === 'reach') {
    step(at, true, true)
    return steps
  }
  for (let count = 0; count < HOURS_USE; count++) at = step(at, count === 0) + every
  for (at += back; at <= until; ) at = step(at, true) + back
  return steps
}

/** The next instant that suits him. */
function placed(wanted: number, beside: Schedule['beside'], owners: readonly Request[]): number {
  if (beside === 'does not care about the owner') return wanted
  if (beside === 'half an hour after the last request of the owner') {
    let at = wanted
    for (const owner of owners) {
      if (owner.at > at) break
      at = Math.max(at, owner.at + 30 * MINUTE)
    }
    return at
  }
  const behind = beside === 'a second after a request of the owner' ? SECOND : -SECOND
  const next = owners.find((owner) => owner.at + behind >= wanted)
  return next === undefined ? wanted : next.at + behind
}
