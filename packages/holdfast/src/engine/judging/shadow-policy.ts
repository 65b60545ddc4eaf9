import type { Decision } from '../../core/decision.ts'
import type { SessionEvent } from '../../core/events.ts'
import type { EngineContext } from '../context.ts'
import type { EventFacts } from '../state/events.ts'
import type { Weighing } from './weigh.ts'

const FAILURE_EVERY_MS = 60_000

/**
 * What the shadow policy says of the evidence that the policy in force has settled, where that is something else. It
 * gets copies and decides nothing; one that throws harms nobody and is told of once a minute.
 */
export function shadowEvent(
  engine: EngineContext,
  facts: EventFacts,
  { decision, evidence, situation }: Pick<Weighing, 'decision' | 'evidence' | 'situation'>,
): SessionEvent | undefined {
  const { shadow, eventWriter: journal } = engine
  if (shadow === undefined) return undefined
  let shadowed: Decision
  try {
    shadowed = shadow(structuredClone(evidence), structuredClone(situation))
    if (shadowed.outcome === decision.outcome) return undefined
  } catch {
    tellOfFailure(engine, facts)
    return undefined
  }
  return journal.event('policy-differed', {
    ...facts,
    actor: 'engine',
    decision: shadowed,
    reason: decision.outcome,
  })
}

function tellOfFailure({ reported, eventWriter: journal }: EngineContext, facts: EventFacts): void {
  const minute = Math.floor(facts.at / FAILURE_EVERY_MS)
  if (reported.seen('shadow_failed') >= minute) return
  reported.note('shadow_failed', minute)
  const failed = { ...facts, actor: 'engine', reason: 'shadow_failed' }
  journal.publish([journal.event('policy-differed', failed)])
}
