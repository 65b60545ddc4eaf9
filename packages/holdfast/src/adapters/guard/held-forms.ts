import { parseToken } from '../../core/token.ts'
import { setCookie } from './cookies.ts'
import type { EntryChecks } from './entry-checks.ts'
import type { FormSender, HeldForms } from './held-form.ts'
import { type HeaderPair, type HttpFacts, single } from './http-request.ts'
import type { GuardOptions } from './options.ts'
import { pathOf } from './redirects.ts'
import type { Refused } from './refusals.ts'

/**
 * Holds the form that a redirect to the step-up page interrupts, and leads the redirect to it.
 * Undefined where there is nothing to hold.
 */
export type HoldForm = (facts: HttpFacts, refused: Refused) => Promise<Refused> | undefined

export function formHolder(
  { heldForms, stepUpPage }: GuardOptions,
  checks: Pick<EntryChecks, 'readToken' | 'dropsSecure'>,
): HoldForm {
  if (heldForms === undefined || stepUpPage === undefined) return () => undefined

  return (facts, refused) => {
    if (facts.formFields === undefined || !isUrlencoded(facts)) return undefined
    const location = refused.refusal.headers.find(([name]) => name === 'location')?.[1]
    if (location === undefined || !location.startsWith(stepUpPage)) return undefined
    const read = checks.readToken(facts)
    const session = read.ok ? parseToken(read.token)?.claims.session : undefined
    if (session === undefined) return undefined
    const plain = checks.dropsSecure(facts)
    return hold(heldForms, facts, {
      refused,
      from: { session, cookies: single(facts, 'cookie'), plain },
    })
  }
}

async function hold(
  heldForms: HeldForms,
  facts: HttpFacts,
  { refused, from }: { readonly refused: Refused; readonly from: FormSender },
): Promise<Refused> {
  const fields = await facts.formFields?.()
  const action = pathOf(facts.url, undefined)
  // Nobody posts again to an address that is no path of this site, or too long for one.
  if (fields === undefined || !facts.url.endsWith(action)) return refused
  const form = await heldForms.hold({ action, fields }, from)
  return form === undefined ? refused : leadingTo(refused, form)
}

function leadingTo(
  { code, refusal }: Refused,
  form: { readonly id: string; readonly setCookie: string },
): Refused {
  const headers = refusal.headers.map(([name, value]): HeaderPair => {
    const target =
      name === 'location' ? `${value}&${new URLSearchParams({ form: form.id })}` : value
    return [name, target]
  })
  return {
    ok: false,
    code,
    refusal: { ...refusal, headers: [...headers, setCookie(form.setCookie)] },
  }
}

/** Forms with files have another type. They are not held. */
function isUrlencoded(facts: HttpFacts): boolean {
  const type = single(facts, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase()
  return facts.method === 'POST' && type === 'application/x-www-form-urlencoded'
}
