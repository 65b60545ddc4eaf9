import type { NetworkKind } from '../core/request.ts'
import type { Address } from './address.ts'
import { dataFile } from './data-file.ts'
import type { GeoProblem } from './geo-file.ts'
import { prefixListParser } from './prefix-list.ts'
import type { PrefixSet } from './prefix-set.ts'

/**
 * The kinds of a list. Of two networks that are equally narrow, the kind that comes first here is
 * believed.
 */
export const LISTED_KINDS = [
  'corporate',
  'tor',
  'relay',
  'vpn',
  'satellite',
  'hosting',
] as const satisfies readonly NetworkKind[]

/** A kind of network that a list may name. */
export type ListedKind = (typeof LISTED_KINDS)[number]

/**
 * Files of networks by what they are: one CIDR a line, or CSV whose first column is one; `#` starts
 * a comment.
 */
export type NetworkLists = {
  readonly [kind in ListedKind]?: readonly string[] | undefined
}

/** A list that was configured, and how many networks are loaded of it. */
export interface ListFile {
  readonly path: string
  readonly kind: ListedKind
  /** Null: not loaded, because it is missing or broken. */
  readonly networks: number | null
}

/** All configured lists. */
export interface ListSources {
  load(): void
  /** True when another list is in use now. */
  reload(): Promise<boolean>
  /** By the narrowest network around the address. */
  kindOf(address: Address): ListedKind | undefined
  describe(): readonly ListFile[]
}

/** Nothing is loaded yet, so nothing is known. */
export function listSources(
  lists: NetworkLists,
  onProblem: (problem: GeoProblem) => void,
): ListSources {
  const sources = LISTED_KINDS.flatMap((kind) =>
    (lists[kind] ?? []).map((path) => ({
      kind,
      path,
      ...dataFile<PrefixSet>(path, {
        name: 'list of networks',
        mend: 'Write one network a line, such as 192.0.2.0/24: it is read without a restart.',
        without: `its networks are not known as ${kind}`,
        parse: prefixListParser,
        report: (problem, message) => onProblem({ kind: problem, file: path, message }),
      }),
    })),
  )

  return {
    load() {
      for (const { load } of sources) load()
    },
    async reload() {
      // one after the other: each takes what it needs of memory while it is read
      let changed = false
      for (const { reload } of sources) changed = (await reload()) || changed
      return changed
    },
    kindOf(address) {
      let narrowest = -1
      let kind: ListedKind | undefined
      for (const source of sources) {
        const bits = source.current()?.longest(address) ?? -1
        if (bits <= narrowest) continue
        narrowest = bits
        kind = source.kind
      }
      return kind
    },
    describe: () =>
      sources.map(({ path, kind, current }) => ({ path, kind, networks: current()?.size ?? null })),
  }
}
