import { createHash } from 'node:crypto'
import type { Store } from 'holdfast'
import type { EventRecorder, NamedReasonOf } from 'holdfast/maintenance'
import type { Logger } from 'pino'
import type { TakenUp } from './keys.ts'

/** Processes look at the file at about one time; one of them tells. */
const TOLD_FOR_MS = 3_600_000

/**
 * Puts the rotation of keys among the events, once for all processes of a store. What cannot be
 * kept is logged: the keys are in use already.
 */
export function rotationEvents({
  store,
  recorder,
  now,
  log,
}: {
  readonly store: Pick<Store, 'replays'>
  readonly recorder: Pick<EventRecorder, 'record'>
  readonly now: () => number
  readonly log: Pick<Logger, 'warn'>
}): TakenUp {
  async function tell(...[file, ids]: Parameters<TakenUp>): Promise<void> {
    const ring = createHash('sha256').update(ids.join(' ')).digest('base64url')
    const first = await store.replays.once(`key_rotated ${file} ${ring}`, now() + TOLD_FOR_MS)
    const reason: NamedReasonOf<'key-rotated'> = file
    if (first) await recorder.record('key-rotated', { reason })
  }

  return (file, ids) => {
    tell(file, ids).catch((error: unknown) =>
      log.warn({ err: error, ring: file }, 'the event of a key rotation could not be kept'),
    )
  }
}
