import type { Verification } from '../core/sessions.ts'
import { checker } from '../wire/check.ts'
import { object, optional, type Wire } from '../wire/describe.ts'
import { knownFields } from '../wire/known.ts'
import { type Line, lineFields } from '../wire/lines.ts'
import { attributesVersion, sessionDetail, sessionPage } from '../wire/sessions.ts'
import {
  createdSession,
  refreshedTokens,
  refusedLogin,
  refusedRefresh,
  stepUpBegun,
  verification,
} from '../wire/verdicts.ts'

/** What a body says, as far as this version knows it; undefined for what is no such answer. */
export type Reader<T> = (body: unknown) => T | undefined

function reader<T>(wire: Wire<T>): Reader<T> {
  const { accepts: isKnown } = checker(wire, 'known-answer')
  const { accepts } = checker(wire, 'answer')
  const known = knownFields(wire)
  return (body) => {
    // A service of this version says nothing else, and needs no copy.
    if (isKnown(body)) return body
    return accepts(body) ? known(body) : undefined
  }
}

export const readCreated = reader(createdSession)
export const readRefusedLogin = reader(refusedLogin)
export const readVerification = reader(verification)
export const readVerificationLine = reader(
  object<Line<Verification>>('VerificationLine', {
    ...lineFields,
    result: optional(verification),
  }),
)
export const readRefreshed = reader(refreshedTokens)
export const readRefusedRefresh = reader(refusedRefresh)
export const readStepUpBegun = reader(stepUpBegun)
export const readSessionDetail = reader(sessionDetail)
export const readSessionPage = reader(sessionPage)
export const readVersion = reader(attributesVersion)
