import { type Context, decayed } from '../core/context.ts'
import type { Evidence } from '../core/evidence.ts'
import type { SessionState } from '../core/session.ts'
import { evidenceOf } from '../signals/reasons.ts'

/**
 * What an unchallenged context still has on its account, or what a newcomer inherits from a challenged one. Not from one
 * that was challenged under an older family: a login or step-up since then has left whoever was there without a secret.
 */
export function carriedOver(
  session: SessionState,
  at: number,
  {
    key,
    existing,
    confirmed,
    evidence,
  }: {
    readonly key: string
    readonly existing: Context | undefined
    readonly confirmed: boolean
    readonly evidence: readonly Evidence[]
  },
): readonly Evidence[] {
  if (existing !== undefined && existing.state !== 'challenged')
    return carriedEvidence(existing, at, evidence)
  if (confirmed) return []
  const inherited = session.contexts
    .filter((context) => context.state === 'challenged' && context.key !== key)
    .filter(({ evidenceAt }) => evidenceAt >= session.family.authenticatedAt)
    .reduce((most, context) => Math.max(most, decayed(context, at)), 0)
  if (inherited === 0) return []
  return [evidenceOf('evidence_inherited', inherited, { left: inherited })]
}

/**
 * Evidence that a context still has on its account, by the groups that it came from: two kinds of evidence stay
 * two kinds while they decay. Empty when nothing is left. A device that differs in the same way again is not another
 * finding: what was found before is left out for it.
 */
export function carriedEvidence(
  context: Context,
  at: number,
  found: readonly Evidence[] = [],
): readonly Evidence[] {
  const account = decayed(context, at)
  if (account === 0) return []
  const groups = accusingGroups(context, found)
  const total = sumOf(groups)
  const left = Math.round((account * total) / sumOf(accusingGroups(context)))
  if (left === 0) return []
  let rest = left
  return [...groups].flatMap(([group, weight], index) => {
    const share = index === groups.size - 1 ? rest : Math.round((left * weight) / total)
    rest -= share
    const carried = evidenceOf('evidence_carried', share, { left: share, was: weight })
    return share === 0 ? [] : [{ ...carried, group }]
  })
}

/**
 * Goes on a context's own account. What was inherited would grow with every newcomer if it were handed on once
 * more; failed step-ups are counted where they are kept, and would weigh again with every request.
 */
export function isOwn({ reason }: Pick<Evidence, 'reason'>): boolean {
  return reason !== 'evidence_inherited' && reason !== 'step_up_failed'
}

function accusingGroups(
  { because, evidence }: Context,
  without: readonly Evidence[] = [],
): ReadonlyMap<Evidence['group'], number> {
  const accusing = because.filter(({ weight }) => weight > 0)
  if (accusing.length === 0) return new Map([['B', evidence]])
  const again = new Set(without.filter(({ group }) => group === 'D').map(({ reason }) => reason))
  const groups = new Map<Evidence['group'], number>()
  for (const { group, reason, weight } of accusing) {
    if (!again.has(reason)) groups.set(group, (groups.get(group) ?? 0) + weight)
  }
  return groups
}

function sumOf(weights: ReadonlyMap<unknown, number>): number {
  return [...weights.values()].reduce((sum, weight) => sum + weight, 0)
}
