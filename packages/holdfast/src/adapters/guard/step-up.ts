import { inMs } from '../../core/duration.ts'
import { checkNames, namesOf } from '../../core/options.ts'
import { attempt, attemptOwn } from './faults.ts'
import type { HttpFacts } from './http-request.ts'
import { checkDeliverable, DONE, issued, requestOf } from './issued.ts'
import type { Lifecycle, StepUpProof, StepUpRequirements } from './lifecycle.ts'
import type { CheckedRequirements } from './options.ts'
import type { GuardParts } from './parts.ts'
import { requirementsIn } from './redirects.ts'

/** How a person proves a factor. */
export function stepUp(
  parts: GuardParts,
): Pick<Lifecycle<HttpFacts>, 'beginStepUp' | 'completeStepUp' | 'stepUpFailed'> {
  const { sessions, carriers, checks, refuse, superseded, startAnswer } = parts

  return {
    async beginStepUp(facts, requirements) {
      if (requirements !== undefined) {
        checkNames('beginStepUp(request, ...)', STEP_UP_NAMES, requirements)
      }
      const asked = requirements === undefined ? requirementsIn(facts.url) : defined(requirements)
      const read = checks.readToken(facts)
      if (!read.ok) return refuse(facts, read)
      const { token, carrier } = read
      const request = requestOf(parts, facts)
      const begun = await attempt(() => sessions.beginStepUp({ token, request, ...asked }))
      return begun.ok ? begun : refuse(facts, { ...begun, carrier })
    },

    async completeStepUp(facts, proof) {
      checkNames('completeStepUp(request, response, ...)', PROOF_NAMES, proof)
      const read = checks.readToken(facts)
      if (!read.ok) return refuse(facts, read)
      const { token, carrier } = read
      checkDeliverable(facts, carrier)
      const request = requestOf(parts, facts)
      const inTime = startAnswer()
      if (!isText(proof.challenge)) return refuse(facts, { code: 'challenge_invalid', carrier })
      const completed = await attemptOwn(() =>
        sessions.completeStepUp({ ...proof, token, request }),
      )
      if (!completed.ok) return refuse(facts, { ...completed, carrier })
      superseded.note({ id: completed.session.id })
      const standsIn = !carriers.session.includes(carrier)
      const refresh = standsIn ? carriers.refresh?.plain : carriers.refresh
      return issued(parts, { carrier, refresh, inTime }, completed)
    },

    async stepUpFailed(facts, challenge) {
      const read = checks.readToken(facts)
      if (!read.ok) return refuse(facts, read)
      const { token, carrier } = read
      if (!isText(challenge)) return refuse(facts, { code: 'challenge_invalid', carrier })
      const request = requestOf(parts, facts)
      const reported = await attempt(() =>
        sessions.report({ kind: 'step_up_failed', challenge, token, request }).then(() => DONE),
      )
      if (reported.ok) return DONE
      // The challenge is all that can be wrong with this report, and the client has sent it.
      const { code } = reported
      return refuse(facts, code === 'invalid_input' ? { code: 'challenge_invalid' } : reported)
    },
  }
}

const STEP_UP_NAMES = namesOf<StepUpRequirements>({ acr: true, maxAge: true, sensitivity: true })

const PROOF_NAMES = namesOf<StepUpProof>({
  challenge: true,
  subject: true,
  tenant: true,
  acr: true,
  amr: true,
  correlation: true,
  trace: true,
})

/** It comes out of a form, and may be of any type. */
function isText(challenge: unknown): boolean {
  return typeof challenge === 'string' && challenge !== ''
}

/** They may come from a client: the engine says what is wrong with them. */
function defined({ acr, maxAge, sensitivity }: StepUpRequirements): CheckedRequirements {
  return {
    ...(acr === undefined ? {} : { acr }),
    ...(maxAge === undefined ? {} : { maxAgeMs: inMs(maxAge) }),
    ...(sensitivity === undefined ? {} : { sensitivity }),
  }
}
