import type { Decision } from '../../core/decision.ts'
import type { EngineContext, EventFacts, MadeEvent } from '../context.ts'
import type { Weighing } from './weigh.ts'

const MINUTE_MS = 60_000

/**
 * An event where the shadow policy answers something else than the policy in force. It gets copies
 * of evidence and situation and decides nothing. One that throws harms nobody, and is reported once
 * a minute.
 */
export function shadowEvents(
  { shadow, eventWriter, eventLimiter }: EngineContext,
  facts: EventFacts,
  { decision, evidence, situation }: Weighing,
): readonly MadeEvent[] {
  if (shadow === undefined) return []
  const about = { ...facts, actor: 'engine' }
  let shadowed: Decision
  try {
    shadowed = shadow(structuredClone(evidence), structuredClone(situation))
    if (shadowed.outcome === decision.outcome) return []
  } catch {
    if (eventLimiter.isNew('shadow_failed', Math.floor(facts.at / MINUTE_MS))) {
      eventWriter.tell('policy-differed', () => ({ ...about, reason: 'shadow_failed' }))
    }
    return []
  }
  const differed = { ...about, decision: shadowed, reason: decision.outcome }
  return [eventWriter.event('policy-differed', differed)]
}
