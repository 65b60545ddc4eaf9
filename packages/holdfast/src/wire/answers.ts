import { described, list, object, optional, type TypeOf, text, withFields } from './describe.ts'
import { type Line, lineFields } from './lines.ts'
import { type ProblemDetails, problemFields } from './problems.ts'
import {
  createdSession,
  refreshedTokens,
  refusedLogin,
  refusedRefresh,
  stepUpBegun,
  verification,
} from './verdicts.ts'

/** The verdicts as a service answers them: with cookies for the client, or as problems. */

const setCookie = described(text(), 'A complete Set-Cookie value for the client')

/** Cookies for the client: new tokens to keep, or the end of an old one. */
export interface AnsweredCookies {
  readonly cookie?: string
  readonly refreshCookie?: string
}

const cookies = { cookie: optional(setCookie), refreshCookie: optional(setCookie) }

/** Answer of a login that passed. */
export const createdAnswer = withFields<TypeOf<typeof createdSession>, AnsweredCookies>(
  createdSession,
  cookies,
)

/** Answer of a verification, and of a completed step-up. */
export const verificationAnswer = withFields<TypeOf<typeof verification>, AnsweredCookies>(
  verification,
  cookies,
)

/** One answer each, in their order. */
export interface VerificationAnswers {
  readonly results: readonly TypeOf<typeof verificationAnswer>[]
}

/** Answer of several verifications at once. */
export const verificationAnswers = object<VerificationAnswers>('Verifications', {
  results: list(verificationAnswer),
})

/** One line of the answer to several verifications at once, where lines are asked for. */
export const verificationLine = object<Line<TypeOf<typeof verificationAnswer>>>(
  'VerificationLine',
  { ...lineFields, result: optional(verificationAnswer) },
)

/** Answer of a refresh that passed. */
export const refreshedAnswer = withFields<TypeOf<typeof refreshedTokens>, AnsweredCookies>(
  refreshedTokens,
  cookies,
)

/** Answer of the beginning of a step-up. */
export const stepUpBegunAnswer = withFields<TypeOf<typeof stepUpBegun>, AnsweredCookies>(
  stepUpBegun,
  cookies,
)

/** Answer of a login that was refused. */
export const refusedLoginAnswer = withFields<
  TypeOf<typeof refusedLogin>,
  Omit<ProblemDetails, 'code'>
>(refusedLogin, problemFields)

/** Answer of a refresh that was refused. */
export const refusedRefreshAnswer = withFields<
  TypeOf<typeof refusedRefresh>,
  Omit<ProblemDetails, 'code'> & Pick<AnsweredCookies, 'refreshCookie'>
>(refusedRefresh, { ...problemFields, refreshCookie: cookies.refreshCookie })
