import type { Decision } from '../core/decision.ts'
import type { RefusalCode } from '../core/errors.ts'
import type { Presentation } from '../core/request.ts'
import type { SessionState } from '../core/session.ts'
import type { Demands, Presented, Verification } from '../core/sessions.ts'
import type { Found } from '../core/store.ts'
import type { Parts } from './parts.ts'
import { viewOf } from './views.ts'

/** The code under which an outcome refuses this request; undefined when it passes. */
export function refusalOf(
  { outcome }: Decision,
  { method, sensitivity }: Presentation,
): RefusalCode | undefined {
  switch (outcome) {
    case 'allow':
    case 'observe':
      return undefined
    case 'limit': {
      const reading = method === 'GET' || method === 'HEAD'
      return reading && sensitivity === 'normal' ? undefined : 'session_limited'
    }
    case 'challenge':
      return 'step_up_required'
    case 'deny':
      return 'context_refused'
    case 'revoke':
      return 'session_revoked'
  }
}

export function passed(
  parts: Parts,
  state: SessionState,
  found: Found,
  answer: { readonly decision: Decision; readonly token?: string | undefined },
): Verification {
  const { decision, token } = answer
  return {
    ok: true,
    decision,
    session: viewOf(parts, state, found),
    persistent: parts.lifetimeOf(state.tenant, state.class)?.persistent ?? false,
    ...(token === undefined ? {} : { token }),
  }
}

export function refused(
  code: RefusalCode,
  decision: Decision,
  { acr, freshWithin }: Presented,
): Verification {
  const demands: Demands = {
    ...(acr === undefined ? {} : { acr }),
    ...(freshWithin === undefined ? {} : { maxAge: freshWithin }),
  }
  return {
    ok: false,
    code,
    decision,
    ...(code === 'step_up_required' && Object.keys(demands).length > 0 ? { demands } : {}),
  }
}
