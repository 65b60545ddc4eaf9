import type { End } from './chromium.ts'
import type { Finding } from './measure.ts'
import { CASES, type Load } from './plan.ts'

/** What `docs/measured/jar-rollback.json` holds. */
export interface Summary {
  readonly chromium: string
  readonly platform: string
  readonly seed: number
  readonly profiles: number
  readonly brokenRounds: number
  readonly cases: readonly CaseSummary[]
  /**
   * By seconds from the last `Set-Cookie` to the kill: a SIGKILL of the browser or of its network
   * process.
   */
  readonly byDelay: Readonly<Record<'alone' | 'steady', readonly Bucket[]>>
  readonly interval: Interval
  /** The cookie without `Max-Age`, after the end of the whole browser. */
  readonly sessionCookie: Readonly<Record<'newWindow' | 'continued', SessionCookie>>
}

export interface Share {
  readonly n: number
  readonly lost: number
  readonly share: number
  /** Wilson, 95 %. */
  readonly low: number
  readonly high: number
}

/** `lost`: the last `Set-Cookie` did not survive. */
export interface CaseSummary extends Share {
  readonly name: string
  readonly load: Load
  readonly end: End
  readonly withinS: number
  /** An older generation came back. */
  readonly rolledBack: number
  /** No cookie came back. */
  readonly noCookie: number
  /** Of the generations that this browser had set, how many were gone; rounds by that number. */
  readonly generationsBack: Readonly<Record<string, number>>
}

export interface Bucket extends Share {
  readonly fromS: number
  readonly toS: number
}

/** Does "a commit 30 s after the first change that waits" say which generation comes back? */
export interface Interval {
  /** Rounds that ended by a kill or a crash. */
  readonly n: number
  /** Rounds in which the rule names the very generation that came back. */
  readonly exact: number
  /** Of one `Set-Cookie` alone: the longest that was still lost, the soonest that was safe, s. */
  readonly longestLostS: number | null
  readonly soonestKeptS: number | null
}

export interface SessionCookie {
  readonly n: number
  readonly kept: number
  readonly rolledBack: number
  readonly noCookie: number
}

const COMMIT_MS = 30_000
const BUCKET_S = 5

export function summarise(
  findings: readonly Finding[],
  about: Pick<Summary, 'chromium' | 'platform' | 'seed' | 'profiles' | 'brokenRounds'>,
): Summary {
  const endOf = new Map(CASES.map(({ name, end }) => [name, end]))
  const loadOf = new Map(CASES.map(({ name, load }) => [name, load]))
  const abrupt = findings.filter(({ case: name }) => {
    const end = endOf.get(name)
    return (
      (end === 'killed' || end === 'network' || end === 'crashed') && loadOf.get(name) !== 'batch'
    )
  })
  const killed = (load: Load): readonly Finding[] =>
    abrupt.filter(({ case: name }) => loadOf.get(name) === load && endOf.get(name) !== 'crashed')
  const whole = findings.filter(({ case: name }) => {
    const end = endOf.get(name)
    return end !== 'network' && end !== 'renderer'
  })
  return {
    ...about,
    cases: CASES.map((of) => ({
      name: of.name,
      load: of.load,
      end: of.end,
      withinS: of.withinS,
      ...caseOf(findings.filter((finding) => finding.case === of.name)),
    })),
    byDelay: { alone: buckets(killed('alone'), 40), steady: buckets(killed('steady'), 30) },
    interval: intervalOf(abrupt, killed('alone')),
    sessionCookie: {
      newWindow: sessionCookie(whole.filter(({ continued }) => !continued)),
      continued: sessionCookie(whole.filter(({ continued }) => continued)),
    },
  }
}

function caseOf(
  findings: readonly Finding[],
): Omit<CaseSummary, 'name' | 'load' | 'end' | 'withinS'> {
  const backs = findings.map(generationsBack).filter((count) => count > 0)
  const generations: Record<string, number> = {}
  for (const count of backs.sort((a, b) => a - b)) {
    generations[count] = (generations[count] ?? 0) + 1
  }
  const noCookie = findings.filter(({ back }) => back.lasting === null).length
  return {
    ...shareOf(findings),
    rolledBack: backs.length - noCookie,
    noCookie,
    generationsBack: generations,
  }
}

/** What was lost before this browser started is not this end's loss. */
function generationsBack({ newest, back, setsMs }: Finding): number {
  return Math.min(newest - (back.lasting ?? 0), setsMs.length)
}

function buckets(findings: readonly Finding[], untilS: number): readonly Bucket[] {
  return Array.from({ length: untilS / BUCKET_S }, (_, i) => {
    const fromS = i * BUCKET_S
    const toS = fromS + BUCKET_S
    const inside = findings.filter((finding) => {
      const seconds = lastS(finding)
      return seconds >= fromS && seconds < toS
    })
    return { fromS, toS, ...shareOf(inside) }
  })
}

function lastS({ setsMs }: Finding): number {
  return (setsMs.at(-1) ?? 0) / 1_000
}

function intervalOf(abrupt: readonly Finding[], alone: readonly Finding[]): Interval {
  const lost = alone.filter((finding) => generationsBack(finding) > 0).map(lastS)
  const kept = alone.filter((finding) => generationsBack(finding) === 0).map(lastS)
  const exact = abrupt.filter((finding) => generationsBack(finding) === predicted(finding.setsMs))
  return {
    n: abrupt.length,
    exact: exact.length,
    longestLostS: lost.length === 0 ? null : tenths(Math.max(...lost)),
    soonestKeptS: kept.length === 0 ? null : tenths(Math.min(...kept)),
  }
}

/** The first change after a commit starts the clock of the next one. */
function predicted(setsMs: readonly number[]): number {
  let waiting = 0
  let due = Number.NEGATIVE_INFINITY
  for (const age of setsMs) {
    const at = -age
    if (waiting > 0 && due <= at) waiting = 0
    if (waiting === 0) due = at + COMMIT_MS
    waiting++
  }
  return due <= 0 ? 0 : waiting
}

function sessionCookie(findings: readonly Finding[]): SessionCookie {
  const noCookie = findings.filter(({ back }) => back.session === null).length
  const kept = findings.filter(({ back, newest }) => back.session === newest).length
  return { n: findings.length, kept, rolledBack: findings.length - kept - noCookie, noCookie }
}

function shareOf(findings: readonly Finding[]): Share {
  const n = findings.length
  const lost = findings.filter((finding) => generationsBack(finding) > 0).length
  return shareOfCounts(lost, n)
}

export function shareOfCounts(lost: number, n: number): Share {
  return { n, lost, share: n === 0 ? 0 : thousandths(lost / n), ...wilson(lost, n) }
}

/** Wilson score interval, 95 %. */
function wilson(count: number, n: number): { readonly low: number; readonly high: number } {
  if (n === 0) return { low: 0, high: 1 }
  const z = 1.96
  const share = count / n
  const middle = share + (z * z) / (2 * n)
  const spread = z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n))
  const whole = 1 + (z * z) / n
  return {
    low: thousandths(Math.max(0, (middle - spread) / whole)),
    high: thousandths(Math.min(1, (middle + spread) / whole)),
  }
}

function thousandths(value: number): number {
  return Math.round(value * 1_000) / 1_000
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}
