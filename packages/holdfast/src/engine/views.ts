import { type Context, decayed } from '../core/context.ts'
import { failuresOf } from '../core/prompts.ts'
import type { SessionDetail, SessionState, SessionView } from '../core/session.ts'
import type { Found } from '../core/store.ts'
import type { Parts } from './context.ts'
import { type Opened, openAttributes } from './state/load.ts'

/** What an application sees of a session. `state` may be ahead of what was read. */
export function viewOf(
  parts: Pick<Parts, 'codec'>,
  state: SessionState,
  found: Found,
): SessionView {
  // each field by name, for every request: copying them would cost as much as all the rest of judging a local copy
  return {
    id: state.id,
    subject: state.subject,
    tenant: state.tenant,
    class: state.class,
    acr: state.family.acr,
    amr: [...state.family.amr],
    authenticatedAt: state.family.authenticatedAt,
    createdAt: state.createdAt,
    expiresAt: state.deadline,
    idleMs: state.idleMs,
    attributes: openAttributes(parts, found),
    attributesVersion: found.attributes?.version ?? 0,
    formToken: parts.codec.formToken(state.id),
  }
}

export function detailOf(parts: Parts, { state, found }: Opened, now: number): SessionDetail {
  const { formToken: _secret, ...facts } = viewOf(parts, state, found)
  return Object.assign(facts, {
    lastActivity: found.lastActivity ?? state.createdAt,
    origin: state.origin,
    contexts: state.contexts.map((context) => contextOf(state, context, now)),
    forked: state.fork !== null,
  })
}

/** Field by field: of a thousand sessions, copying with a rest would be half of the work. */
function contextOf(
  { failures }: SessionState,
  context: Context,
  now: number,
): SessionDetail['contexts'][number] {
  return {
    key: context.key,
    state: context.state,
    network: context.network,
    device: context.device,
    firstSeen: context.firstSeen,
    lastSeen: context.lastSeen,
    visits: context.visits,
    evidence: context.evidence,
    evidenceAt: context.evidenceAt,
    because: context.because,
    evidenceNow: decayed(context, now),
    failures: failuresOf(failures, context.key),
  }
}
