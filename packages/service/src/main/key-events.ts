import { createHash } from 'node:crypto'
import type { Store } from 'holdfast'
import type { EventRecorder, NamedReasonOf } from 'holdfast/maintenance'
import type { TakenUp } from './keys.ts'
import { type UntilKeptOptions, untilKept } from './until-kept.ts'

/** Processes look at the file at about one time; one of them tells. */
const TOLD_FOR_MS = 3_600_000

/**
 * Puts the rotation of keys among the events, once for all processes of a store. Nothing waits for
 * it: the keys are in use already.
 */
export function rotationEvents({
  store,
  recorder,
  now,
  ...options
}: {
  readonly store: Pick<Store, 'replays'>
  readonly recorder: Pick<EventRecorder, 'record'>
  readonly now: () => number
} & Omit<UntilKeptOptions, 'problem'>): TakenUp {
  async function tell(...[file, ids]: Parameters<TakenUp>): Promise<void> {
    const ring = createHash('sha256').update(ids.join(' ')).digest('base64url')
    const reason: NamedReasonOf<'key-rotated'> = file
    let isFirst: boolean | undefined

    async function attempt(): Promise<'done'> {
      isFirst ??= await store.replays.once(`key_rotated ${file} ${ring}`, now() + TOLD_FOR_MS)
      if (isFirst) await recorder.record('key-rotated', { reason })
      return 'done'
    }

    const problem = `the event of a rotation of the ${file} keys could not be kept`
    await untilKept(attempt, { problem, ...options })
  }

  return (file, ids) => void tell(file, ids)
}
