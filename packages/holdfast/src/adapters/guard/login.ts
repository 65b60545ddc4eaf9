import { checkedOrigin, isAskedHere, isSafeMethod } from '../../carriers/csrf.ts'
import { FORM_TOKEN_HEADER } from '../../carriers/names.ts'
import { sameText } from '../../core/constant-time.ts'
import { SessionError } from '../../core/errors.ts'
import { checkNames, namesOf } from '../../core/options.ts'
import type { SubjectRef } from '../../core/sessions.ts'
import { tracesOf } from '../../core/trace.ts'
import { NO_STORE, setCookie } from './cookies.ts'
import { plainOnes } from './development.ts'
import type { TokenRead } from './entry-checks.ts'
import { attempt, attemptOwn } from './faults.ts'
import type { HeaderPair, HttpFacts } from './http-request.ts'
import { checkDeliverable, DONE, issued, requestOf } from './issued.ts'
import type { Lifecycle, LoginFacts } from './lifecycle.ts'
import type { GuardParts } from './parts.ts'
import type { RefusalCause } from './refusals.ts'
import { shownFormToken } from './verify-request.ts'

/** How sessions begin and end. */
export function loginAndLogout(parts: GuardParts): Pick<Lifecycle<HttpFacts>, 'login' | 'logout'> {
  const { sessions, options, carriers, checks, refuse, superseded, startAnswer } = parts
  const delivering = carriers.session.find((carrier) => carrier.deliver !== undefined)

  return {
    async login(facts, who) {
      checkWho('login(request, response, ...)', LOGIN_NAMES, who)
      const { clientFacts, from, ...login } = who
      if (from !== undefined) checkedOrigin('from', from)
      const foreign = checks.checkRequest(facts, from)
      if (foreign !== undefined) return refuse(facts, foreign)
      // Whoever was logged in here is logged out, whichever page the request comes from.
      const before = checks.readToken(facts, from)
      checkDeliverable(facts, delivering)
      const inTime = startAnswer()
      const created = await attemptOwn(() =>
        sessions.create({
          ...(carriers.refresh === undefined ? {} : { refresh: true }),
          ...login,
          request: requestOf(parts, facts, clientFacts),
          ...(before.ok ? { previous: before.token } : {}),
        }),
      )
      if (!created.ok) return refuse(facts, created)
      if (before.ok) superseded.note({ token: before.token })
      const carrier = checks.deliveryCarrier(facts, delivering)
      const refresh = checks.deliveryCarrier(facts, carriers.refresh)
      return issued(parts, { carrier, refresh, inTime }, created)
    },

    async logout(facts) {
      const read = checks.readToken(facts)
      if (!read.ok && read.code !== 'token_missing' && read.code !== 'token_malformed') {
        return refuse(facts, read)
      }
      const foreign = checks.checkRequest(facts) ?? (await unaskedLogout(parts, facts, read))
      if (foreign !== undefined) return refuse(facts, foreign)
      if (read.ok) {
        const by = tracesOf(facts.header)
        const ended = await attempt(() => sessions.logout(read.token, by).then(() => DONE))
        if (!ended.ok) return refuse(facts, ended)
        superseded.note({ token: read.token })
      }
      const standsIn = read.ok && !carriers.session.includes(read.carrier)
      const dead = standsIn ? [...carriers.all, ...plainOnes(carriers.all)] : carriers.all
      const expired = dead.flatMap((carrier) => carrier.clear?.() ?? [])
      const headers = [NO_STORE, ...clearSiteData(options), ...expired.map(setCookie)]
      return { ok: true, headers: () => headers }
    },
  }
}

/**
 * Why a logout with a safe method is refused. Any site may lead a browser to an address of this
 * one, and any page may embed it. Undefined: it may go on.
 */
async function unaskedLogout(
  parts: GuardParts,
  facts: HttpFacts,
  read: TokenRead,
): Promise<RefusalCause | undefined> {
  const { sessions, options, carriers } = parts
  const ambient = read.ok ? read.carrier.ambient : carriers.session.some((one) => one.ambient)
  if (!isSafeMethod(facts.method) || !ambient || isAskedHere(facts.header, options)) {
    return undefined
  }
  if (read.ok) {
    const { token } = read
    const request = requestOf(parts, facts)
    const verified = await attempt(() => sessions.verify({ token, request, activity: 'passive' }))
    const shown = verified.ok ? await shownFormToken(facts) : undefined
    if (verified.ok && shown !== undefined && sameText(shown, verified.session.formToken)) {
      return undefined
    }
  }
  const unsaid = facts.header('sec-fetch-site') === undefined
  return { code: unsaid ? 'form_token_invalid' : 'cross_site_request', detail: UNASKED_LOGOUT }
}

const UNASKED_LOGOUT =
  'A logout by GET ends a session where a page of this site leads to it, or where the form token ' +
  `comes along in the header \`${FORM_TOKEN_HEADER}\`. A logout by POST needs neither.`

const LOGIN_NAMES = namesOf<LoginFacts>({
  subject: true,
  tenant: true,
  class: true,
  acr: true,
  amr: true,
  authenticatedAt: true,
  factors: true,
  attributes: true,
  refresh: true,
  clientFacts: true,
  from: true,
  correlation: true,
  trace: true,
})

/** Throws `config_invalid` for what is no object of these names, and for a number as a subject. */
export function checkWho(of: string, names: readonly string[], who: SubjectRef): void {
  checkNames(of, names, who)
  if (typeof (who.subject as unknown) !== 'number') return
  throw new SessionError(
    'config_invalid',
    `${of}: subject must be text, and is a number. Write String(user.id).`,
  )
}

function clearSiteData({ clearSiteData: kinds }: GuardParts['options']): readonly HeaderPair[] {
  const cleared = (kinds ?? ['cache', 'storage']).map((kind) => `"${kind}"`)
  return cleared.length === 0 ? [] : [['clear-site-data', cleared.join(', ')]]
}
