/**
 * Strings near an address, the same ones in every run: well-formed addresses of both families in
 * many spellings, half of them then damaged a little.
 */
export function* spellings(count: number): Generator<string> {
  const random = generator(20_260_601)
  const below = (limit: number): number => Math.floor(random() * limit)
  const pick = (letters: string): string => letters.charAt(below(letters.length))

  function dotted(): string {
    const part = (): string => String(below(4) === 0 ? below(1000) : below(256))
    return [part(), part(), part(), part()].join('.')
  }

  function group(): string {
    const value = below(3) === 0 ? 0 : below(0x10000)
    const text = value.toString(16)
    if (below(4) === 0) return text.padStart(4, '0')
    return below(4) === 0 ? text.toUpperCase() : text
  }

  function colons(): string {
    if (below(5) === 0) return `::${below(2) === 0 ? 'ffff' : 'FFFF'}:${dotted()}`
    const dots = below(4) === 0
    const full = dots ? 6 : 8
    const groups = Array.from({ length: below(3) === 0 ? full : below(full + 2) }, group)
    if (dots) groups.push(dotted())
    if (below(3) === 0) return groups.join(':')
    const gap = below(groups.length + 1)
    return `${groups.slice(0, gap).join(':')}::${groups.slice(gap).join(':')}`
  }

  function damaged(text: string): string {
    const at = below(text.length + 1)
    switch (below(4)) {
      case 0:
        return text.slice(0, at) + text.slice(at + 1)
      case 1:
        return text.slice(0, at) + pick(LETTERS) + text.slice(at)
      case 2:
        return text.slice(0, at) + pick(LETTERS) + text.slice(at + 1)
      default:
        return text.slice(0, at) + text.slice(at, at + 2) + text.slice(at)
    }
  }

  for (let i = 0; i < count; i++) {
    const text = below(2) === 0 ? dotted() : colons()
    yield below(2) === 0 ? text : damaged(text)
  }
}

const LETTERS = '0123456789abcdefABCDEFgx::..%[]/ -+'

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
