import type { Store } from 'holdfast'
import { decodeCursor, PARTITIONS } from 'holdfast/store'

/** What a store keeps for the audit log where the configuration does not say. */
const BACKLOG_BYTES = 256_000_000
/** Of a sealed event with what a store keeps beside it, rather too much. */
const ENTRY_BYTES = 1_000

/**
 * How much waits in the store for the audit log, from 0 to about 1, where changes are refused: an
 * estimate, of the partition with the most.
 */
export async function backlogOf(
  { hold, head }: Pick<Store['feed'], 'hold' | 'head'>,
  mostBytes = BACKLOG_BYTES,
): Promise<number> {
  const confirmed = await hold?.confirmed()
  if (confirmed === undefined) return 0
  const taken = decodeCursor(confirmed)
  const heads = decodeCursor(await head())
  const waiting = Math.max(...heads.map((at, partition) => at - (taken[partition] ?? 0)))
  return Math.max(0, (waiting * ENTRY_BYTES * PARTITIONS) / mostBytes)
}
