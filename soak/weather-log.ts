/** One fault, or several on top of each other, until everything works again. */
interface Spell {
  readonly from: number
  to: number
  /** A master may have been replaced: what was acknowledged meanwhile can be lost. */
  losing: boolean
}

/** When something was wrong, and what that excuses. Times are those of `performance.now()`. */
export interface WeatherLog {
  /** Something is wrong from now on; the answer says that everything works again. */
  begin(name: string, losing: boolean): () => void
  /** What was wrong last, and for how long it has been over, in words. */
  last(): string
  /** Nobody can reach the store from now on, until the answer is called. */
  cut(): () => void
  /** Nobody could reach the store at any moment between the two times. */
  wasCut(from: number, to: number): boolean
  /** A master was replaced, by a fault or because the machine was busy. */
  replaced(): void
  /** Nothing was wrong between the two times, nor shortly before. */
  wasCalm(from: number, to: number): boolean
  /** Until when a write acknowledged at this time can have been lost; undefined where it cannot. */
  lossOf(at: number): number | undefined
}

/** Replicas are behind by less, but for a fault on their line. */
const LAG_MS = 2_000
/** A Sentinel or a Cluster takes its time, and tells it after the fact. */
const NOTICED_AFTER_MS = 10_000
/** What a connection that was cut needs to be there again. */
const BREATH_MS = 3_000
/** What was read just before the line was cut may still be on its way. */
const UNDER_WAY_MS = 200

export function weatherLog(): WeatherLog {
  const spells: Spell[] = []
  const cuts: { readonly from: number; to: number }[] = []
  const names: string[] = []
  let open = 0

  function current(): Spell | undefined {
    const last = spells.at(-1)
    return last?.to === Number.POSITIVE_INFINITY ? last : undefined
  }

  return {
    begin(name, losing) {
      names.push(name)
      const spell = current() ?? {
        from: performance.now(),
        to: Number.POSITIVE_INFINITY,
        losing: false,
      }
      if (current() === undefined) spells.push(spell)
      spell.losing ||= losing
      open++
      return () => {
        if (--open === 0) spell.to = performance.now()
      }
    },
    last() {
      const since = performance.now() - (spells.at(-1)?.to ?? Number.NaN)
      const over = since > 0 ? `over for ${(since / 1_000).toFixed(1)} s` : 'not over'
      return `after ${names.slice(-2).join(' and ')} (${over})`
    },
    cut() {
      const one = { from: performance.now(), to: Number.POSITIVE_INFINITY }
      cuts.push(one)
      return () => {
        one.to = performance.now()
      }
    },
    wasCut: (from, to) => cuts.some((one) => one.from + UNDER_WAY_MS < from && to < one.to),
    replaced() {
      const spell = current()
      if (spell !== undefined) spell.losing = true
      else {
        const now = performance.now()
        spells.push({ from: now - NOTICED_AFTER_MS, to: now + BREATH_MS, losing: true })
      }
    },
    wasCalm: (from, to) => spells.every((one) => one.to + BREATH_MS < from || one.from > to),
    lossOf(at) {
      return spells.find((one) => one.losing && one.from - LAG_MS <= at && at <= one.to)?.to
    },
  }
}
