import type { EventRecorder, NamedReasonOf } from 'holdfast/maintenance'
import type { GuessesLimited } from './guess-limits.ts'
import type { SampledWarn } from './sampled-log.ts'

const EVERY_MS = 10_000
/** So that guesses from everywhere at once do not fill the feed. */
const MOST_IN_PERIOD = 256

/**
 * Keeps an event where somebody is limited for guesses: one in ten seconds for a network or a
 * caller, and at most 256 of all in that time. Rules find the guesser by it.
 */
export function guessEvents({
  recorder,
  now,
  warn,
}: {
  readonly recorder: Pick<EventRecorder, 'record'>
  readonly now: () => number
  readonly warn: SampledWarn
}): (limited: GuessesLimited) => void {
  /** When each was kept, oldest first. */
  const kept = new Map<string, number>()

  function isDue(name: string): boolean {
    const at = now()
    for (const [oldest, since] of kept) {
      // Of a clock that was set back, too.
      if (since <= at && at - since < EVERY_MS) break
      kept.delete(oldest)
    }
    if (kept.has(name) || kept.size >= MOST_IN_PERIOD) return false
    kept.set(name, at)
    return true
  }

  return ({ of, by, name, ip }) => {
    if (!isDue(`${of} ${by} ${name}`)) return
    const reason: NamedReasonOf<'request-refused'> =
      by === 'caller' ? 'token_guesses_of_caller' : `${of}_guesses`
    const facts = by === 'caller' ? { actor: name } : { actor: 'client', request: requestFrom(ip) }
    recorder.record('request-refused', { ...facts, reason }).catch((err: unknown) => {
      warn('an event of guesses', { err }, 'the event of guesses could not be kept')
    })
  }
}

/** Of the request no more is kept than where it came from. */
function requestFrom(ip: string | null) {
  return { ip, method: 'GET', url: '/', headers: {} }
}
