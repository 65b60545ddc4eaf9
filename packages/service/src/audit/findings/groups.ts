/** What a rule keeps for each group, in a bounded memory. */
export interface Groups<T> {
  /** Uses a group, which makes it the one that is forgotten last. */
  use<R>(key: string, use: (group: T) => R): R
  readonly size: { readonly groups: number; readonly entries: number }
}

const MOST_GROUPS = 10_000
/** Over all groups of a rule. */
const MOST_ENTRIES = 50_000

/** Forgets the groups that were not used for longest. `sizeOf`: how much a group keeps. */
export function boundedGroups<T>({
  create,
  sizeOf,
}: {
  readonly create: () => T
  readonly sizeOf: (group: T) => number
}): Groups<T> {
  const groups = new Map<string, T>()
  let entries = 0

  function forgetOldest(): void {
    const [oldest] = groups
    if (oldest === undefined) return
    const [key, group] = oldest
    entries -= sizeOf(group)
    groups.delete(key)
  }

  return {
    use(key, use) {
      const group = groups.get(key) ?? create()
      const before = groups.delete(key) ? sizeOf(group) : 0
      groups.set(key, group)
      try {
        return use(group)
      } finally {
        entries += sizeOf(group) - before
        while (groups.size > MOST_GROUPS || (entries > MOST_ENTRIES && groups.size > 1)) {
          forgetOldest()
        }
      }
    },
    get size() {
      return { groups: groups.size, entries }
    },
  }
}
