import { type Completed, type Counted, DISORDER_MS, MOST_IDS, type Tally } from './tally.ts'

/** Beyond what a rule needs, so that events out of order find those before them. */
const SPARE = 256

/** So many events within the window. */
export function countTally(threshold: number, window: number): Tally {
  const most = threshold + SPARE
  return slidingTally(window, {
    // The event that is `threshold - 1` places before this one is in its window, too.
    complete(events, last) {
      const first = events[last - threshold + 1]
      return first !== undefined && isWithin(first, events[last], window) ? threshold : undefined
    },
    trim(events) {
      if (events.length > most) events.shift()
    },
  })
}

/** So many different values within the window. */
export function distinctTally(atLeast: number, window: number): Tally {
  const enough = atLeast + SPARE
  return slidingTally(window, {
    complete(events, last) {
      const values = new Set<string>()
      let first = last
      while (first >= 0 && isWithin(events[first], events[last], window)) {
        values.add(events[first]?.value ?? '')
        first--
      }
      return values.size >= atLeast ? last - first : undefined
    },
    // Repetitions of one value must not push the others out. Twice as many are let in, because
    // looking through them all has a price.
    trim(events) {
      if (events.length <= 2 * enough) return
      keepLatest(events, (events.at(-1)?.at ?? 0) - DISORDER_MS)
      if (events.length > enough) keepLatest(events, Infinity)
      if (events.length > enough) events.splice(0, events.length - enough)
    },
  })
}

/** Of each value, of the events until an instant, only the last. */
function keepLatest(events: Counted[], until: number): void {
  const seen = new Set<string>()
  const kept = events.toReversed().filter(({ at, value }) => {
    if (at > until) return true
    if (seen.has(value)) return false
    seen.add(value)
    return true
  })
  events.splice(0, events.length, ...kept.reverse())
}

/** The events of the last window, in order. */
function slidingTally(
  window: number,
  {
    complete,
    trim,
  }: {
    /** How many events make the rule complete at this one; undefined where it is not. */
    readonly complete: (events: readonly Counted[], last: number) => number | undefined
    readonly trim: (events: Counted[]) => void
  },
): Tally {
  const events: Counted[] = []

  return {
    add(event, matters) {
      const place = placeOf(events, event)
      if (place === undefined) return []
      events.splice(place, 0, event)
      const done: Completed[] = []
      for (let last = place; last < events.length; last++) {
        const until = events[last]
        if (until === undefined || !isWithin(event, until, window)) break
        const count = matters(until.at) ? complete(events, last) : undefined
        if (count === undefined) continue
        const ids = events.slice(Math.max(last + 1 - Math.min(count, MOST_IDS), 0), last + 1)
        done.push({ at: until.at, count, events: ids.map(({ id }) => id) })
      }
      // By the event that came, not by the newest: one clock that runs ahead must not hide what the
      // others tell.
      const oldest = event.at - window - DISORDER_MS
      while ((events[0]?.at ?? Infinity) <= oldest) events.shift()
      trim(events)
      return done
    },
    size: () => events.length,
  }
}

/** Where an event belongs, by time and id. Undefined where it is already there. */
function placeOf(events: readonly Counted[], { at, id }: Counted): number | undefined {
  for (let place = events.length; ; place--) {
    const before = events[place - 1]
    if (before === undefined || before.at < at) return place
    if (before.at > at) continue
    if (before.id === id) return undefined
    if (before.id < id) return place
  }
}

function isWithin(first: Counted | undefined, last: Counted | undefined, window: number): boolean {
  return first !== undefined && last !== undefined && first.at > last.at - window
}
