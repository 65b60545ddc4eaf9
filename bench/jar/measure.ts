import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { progress } from '../progress.ts'
import { type Browser, startChromium, sweep } from './chromium.ts'
import type { Round } from './plan.ts'
import { type Done, type Pages, type Shown, type Site, startSite } from './site.ts'

/** What a round found. */
export interface Finding {
  readonly case: string
  /** How long before the end each `Set-Cookie` was that this browser took, ms, oldest first. */
  readonly setsMs: readonly number[]
  /** The newest generation that was set, and shown again before the end. */
  readonly newest: number
  /** What came back after the end. */
  readonly back: Shown
  /** "Continue where you left off" was on. */
  readonly continued: boolean
}

export interface Measured {
  readonly findings: readonly Finding[]
  /** Rounds that broke off: the browser did not start, or a page did not come. */
  readonly failures: readonly string[]
}

const LONGEST_START_MS = 30_000
const LONGEST_VISIT_MS = 60_000
const MOST_FAILURES = 20

/** On two cores of its own it takes a quarter of an hour. */
const LONGEST_MS = 30 * 60_000

/** A browser that starts takes a core for more than a second. */
const STAGGER_MS = 1_500

/** All rounds, over some profiles at once: most of the time is waiting. Leaves nothing running. */
export async function measure(
  rounds: readonly Round[],
  { folder, profiles }: { readonly folder: string; readonly profiles: number },
): Promise<Measured> {
  const queue = [...rounds]
  const findings: Finding[] = []
  const failures: string[] = []
  const started = performance.now()
  const say = setInterval(() => {
    const seconds = Math.round((performance.now() - started) / 1_000)
    progress(
      `${findings.length} of ${rounds.length} rounds, ${seconds} s, ${failures.length} broken`,
    )
  }, 15_000)
  let late = false
  const deadline = setTimeout(() => {
    late = queue.length > 0
    queue.length = 0
  }, LONGEST_MS)
  const stop = (): void => sweep(folder)
  process.once('exit', stop)

  async function worker(number: number): Promise<void> {
    await delay(number * STAGGER_MS)
    const continued = number % 2 === 1
    let turn = 0
    while (queue.length > 0 && failures.length <= MOST_FAILURES) {
      const profile = newProfile(join(folder, `${number}-${turn++}`), continued)
      const site = await startSite()
      try {
        await inProfile({ profile, site, queue }, (finding) => {
          findings.push({ ...finding, continued })
        })
      } catch (error) {
        failures.push(error instanceof Error ? error.message : String(error))
      } finally {
        site.close()
        sweep(profile)
      }
    }
  }

  try {
    await Promise.all(Array.from({ length: profiles }, (_, number) => worker(number)))
  } finally {
    clearInterval(say)
    clearTimeout(deadline)
    stop()
    process.off('exit', stop)
  }
  if (late) throw new Error(`the rounds were not done within ${LONGEST_MS / 60_000} minutes`)
  if (failures.length > MOST_FAILURES)
    throw new Error(`too many rounds broke off: ${failures.join('; ')}`)
  return { findings, failures }
}

function newProfile(profile: string, continued: boolean): string {
  mkdirSync(join(profile, 'Default'), { recursive: true })
  const preferences = continued ? { session: { restore_on_startup: 1 } } : {}
  writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences))
  return profile
}

interface Place {
  readonly profile: string
  readonly site: Site
  readonly queue: Round[]
}

/**
 * Rounds one after the other: the first request of each shows what the end of the one before has
 * left.
 */
async function inProfile(
  { profile, site, queue }: Place,
  found: (finding: Omit<Finding, 'continued'>) => void,
): Promise<void> {
  let browser: Browser | undefined
  let ended: (Omit<Finding, 'continued' | 'back'> & { readonly round: Round }) | undefined
  let round: Round | undefined

  async function visit(pages: Pages): Promise<Done> {
    const { url, first, last } = site.visit(pages)
    if (browser?.running()) await browser.open(url)
    else browser = startChromium(profile, url)
    const back = await within(LONGEST_START_MS, first)
    if (ended !== undefined) {
      const { round: _done, ...finding } = ended
      found({ ...finding, back })
      ended = undefined
    }
    return within(LONGEST_VISIT_MS, last)
  }

  try {
    // A first generation that is certainly in the profile: what is lost later has an older one to
    // show.
    await visit(ONE_PAGE)
    await browser?.end('closed')
    for (round = queue.pop(); round !== undefined; round = queue.pop()) {
      const { newest, sets } = await visit(round.pages)
      await delay(Math.max(0, round.delayMs - (performance.now() - (sets.at(-1) ?? 0))))
      const now = performance.now()
      await browser?.end(round.end)
      ended = { case: round.case, setsMs: sets.map((at) => now - at), newest, round }
      const { end } = round
      round = undefined
      if (end !== 'renderer') continue
      // The cookie jar keeps what it has not written. It is read; the next round gets a new one.
      await visit(ONE_PAGE)
      await browser?.end('closed')
    }
    await visit(ONE_PAGE)
    await browser?.end('killed')
  } catch (error) {
    // What has no finding yet is done again, in another profile.
    for (const open of [round, ended?.round]) if (open !== undefined) queue.push(open)
    throw error
  }
}

const ONE_PAGE: Pages = { waits: [], fillers: 0 }

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const late = new AbortController()
  try {
    return await Promise.race([
      promise,
      delay(ms, undefined, { signal: late.signal }).then(() => {
        throw new Error(`a page did not come within ${ms / 1_000} s`)
      }),
    ])
  } finally {
    late.abort()
  }
}
