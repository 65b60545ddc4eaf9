/**
 * Leaves out what has no value: null, undefined, and objects and lists in which nothing is left.
 * The schemas of receivers know no null.
 */
export function pruned(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    const left = prunedValue(value)
    if (left !== undefined) kept[name] = left
  }
  return kept
}

function prunedValue(value: unknown): unknown {
  if (value === null || value === undefined) return undefined
  if (typeof value !== 'object') return value
  const left = Array.isArray(value)
    ? value.map(prunedValue).filter((one) => one !== undefined)
    : pruned(value as Readonly<Record<string, unknown>>)
  return Object.keys(left).length === 0 ? undefined : left
}
