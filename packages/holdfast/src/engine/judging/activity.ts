import type { Presentation } from '../../core/request.ts'
import type { Found } from '../../core/store.ts'
import type { EngineContext, OpenedSession } from '../context.ts'
import { type AuthenticatedPresentation, factsOf } from './presentation.ts'

/** Whether activity is to be noted. Of passive requests none is. */
export function isTouchDue(
  { touches }: Pick<EngineContext, 'touches'>,
  found: Found,
  { at, passive }: Presentation,
): boolean {
  return passive !== true && touches.isDue(found, at)
}

/** When the session was used, for a write that comes with a request. */
export function seenAt({ at, passive }: Presentation): number | undefined {
  return passive === true ? undefined : at
}

/**
 * Notes activity, at most once per touch interval. The listener hears of it: that is the sample of
 * presentations in the log. Undefined: the answer need not wait.
 */
export function touchIfDue(
  engine: EngineContext,
  { found, head }: Pick<OpenedSession, 'found' | 'head'>,
  authenticated: AuthenticatedPresentation,
): Promise<void> | undefined {
  const { touches, eventWriter } = engine
  const { presentation } = authenticated
  if (!isTouchDue(engine, found, presentation)) return undefined
  const tell = (): void => eventWriter.tell('session-presented', () => factsOf(authenticated, head))
  const touched = touches.touch(found.id, presentation.at)
  if (touched === undefined) tell()
  return touched?.then(tell)
}
