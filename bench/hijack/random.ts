/**
 * Pseudo-random draws that repeat themselves for one seed, on every machine and every version of
 * Node.
 */
export interface Random {
  /** In [0, 1). */
  next(): number
  chance(probability: number): boolean
  /** A whole number in [0, below). */
  below(below: number): number
  /** Of a list that is not empty. */
  pick<T>(list: readonly T[]): T
  /** Exponentially distributed. */
  wait(mean: number): number
  /** Log-normally distributed around a median; `spread` is the deviation of the logarithm. */
  around(median: number, spread: number): number
  /** How many events of a Poisson process fall into one unit of time. */
  count(mean: number): number
  /** A stream of its own: what is drawn from it changes nothing here. */
  stream(name: string): Random
}

export function random(seed: string): Random {
  const next = sfc32(seed)
  const self: Random = {
    next,
    chance: (probability) => next() < probability,
    below: (below) => Math.floor(next() * below),
    pick(list) {
      const picked = list[Math.floor(next() * list.length)]
      if (picked === undefined) throw new RangeError('nothing to pick from')
      return picked
    },
    wait: (mean) => -mean * Math.log(1 - next()),
    around(median, spread) {
      const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
      return median * Math.exp(spread * normal)
    },
    count(mean) {
      let events = 0
      for (let left = Math.exp(-mean), p = next(); p > left; p *= next()) events++
      return events
    },
    stream: (name) => random(`${seed}/${name}`),
  }
  return self
}

/** Small fast counter (Doty-Humphrey), seeded by FNV-1a over the name. */
function sfc32(seed: string): () => number {
  let [a, b, c, counter] = [hash(seed, 1), hash(seed, 2), hash(seed, 3), 1]
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return (sum >>> 0) / 4294967296
  }
  for (let i = 0; i < 15; i++) next()
  return next
}

function hash(text: string, salt: number): number {
  let value = 0x811c9dc5 ^ salt
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value | 0
}
