import type { SessionId } from '../../core/ids.ts'
import { parseToken } from '../../core/token.ts'
import type { Entrance } from './entry-checks.ts'
import type { HeldForms } from './held-form.ts'
import { type HttpFacts, single } from './http-request.ts'
import type { GuardOptions } from './options.ts'
import { pathOf } from './redirects.ts'
import type { Refused } from './refusals.ts'

/** The refusal that leads to the step-up page, with the form held. Undefined where there is nothing to hold. */
export type HoldForm = (facts: HttpFacts, refused: Refused) => Promise<Refused> | undefined

export function formHolder(
  { heldForms, stepUpPage }: GuardOptions,
  door: Pick<Entrance, 'enter'>,
): HoldForm {
  if (heldForms === undefined || stepUpPage === undefined) return () => undefined

  async function held(
    forms: HeldForms,
    facts: HttpFacts,
    { refused, session }: { readonly refused: Refused; readonly session: SessionId },
  ): Promise<Refused> {
    const fields = await facts.formFields?.()
    const action = pathOf(facts.url, undefined)
    // An address that is no path of this site, or too long for one, is not posted to again.
    if (fields === undefined || !facts.url.endsWith(action)) return refused
    const from = { session, cookies: single(facts, 'cookie') }
    const form = await forms.hold({ action, fields }, from)
    return form === undefined ? refused : leadingTo(refused, form)
  }

  return (facts, refused) => {
    if (facts.formFields === undefined || !isUrlencoded(facts)) return undefined
    const location = refused.refusal.headers.find(([name]) => name === 'location')?.[1]
    if (location === undefined || !location.startsWith(stepUpPage)) return undefined
    const entered = door.enter(facts)
    const session = entered.ok ? parseToken(entered.token)?.claims.session : undefined
    return session === undefined ? undefined : held(heldForms, facts, { refused, session })
  }
}

function leadingTo(
  { code, refusal }: Refused,
  { id, setCookie }: { readonly id: string; readonly setCookie: string },
): Refused {
  const headers = refusal.headers.map(([name, value]): readonly [string, string] =>
    name === 'location' ? [name, `${value}&${new URLSearchParams({ form: id })}`] : [name, value],
  )
  return {
    ok: false,
    code,
    refusal: { ...refusal, headers: [...headers, ['set-cookie', setCookie]] },
  }
}

/** Files are not held: they belong to forms of another type. */
function isUrlencoded(facts: HttpFacts): boolean {
  const type = single(facts, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase()
  return facts.method === 'POST' && type === 'application/x-www-form-urlencoded'
}
