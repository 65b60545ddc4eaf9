import { cookie } from '../carriers/cookie.ts'
import { SessionError } from '../core/errors.ts'
import { LIMITS } from '../core/request.ts'
import type { GuardOptions, RouteDemands } from './guard/options.ts'
import { ownPath } from './own-path.ts'

/** Throws `config_invalid` when the service starts, not at the first request. */
export function checkGuardOptions(options: GuardOptions): void {
  const { loginPage, stepUpPage, carriers = [cookie()], refresh } = options
  for (const [name, page] of Object.entries({ loginPage, stepUpPage })) {
    if (page !== undefined && (page !== ownPath(page) || page.includes('#'))) {
      throw misconfigured(name, 'must be a path of this site, as in /login')
    }
  }
  if (options.heldForms !== undefined && stepUpPage === undefined) {
    throw misconfigured('heldForms', 'needs a stepUpPage')
  }
  if (carriers.length === 0) throw misconfigured('carriers', 'must name at least one carrier')
  if (refresh === undefined) return
  const { cookieName } = refresh
  const taken = carriers.some((carrier) => 'name' in carrier && carrier.name === cookieName)
  if (taken) throw misconfigured('refresh.cookieName', 'must not be that of the session cookie')
}

/** Throws `config_invalid` for what no session could ever meet. */
export function checkDemands({ sensitivity, acr, freshWithin }: RouteDemands): RouteDemands {
  if (sensitivity !== undefined && sensitivity !== 'normal' && sensitivity !== 'sensitive') {
    throw misconfigured('sensitivity', 'must be normal or sensitive')
  }
  if (acr !== undefined && (acr === '' || acr.length > LIMITS.word)) {
    throw misconfigured('acr', `must have 1 to ${LIMITS.word} characters`)
  }
  if (freshWithin !== undefined && (!Number.isSafeInteger(freshWithin) || freshWithin <= 0)) {
    throw misconfigured('freshWithin', 'must be a whole number of ms above 0')
  }
  return {
    ...(sensitivity === undefined ? {} : { sensitivity }),
    ...(acr === undefined ? {} : { acr }),
    ...(freshWithin === undefined ? {} : { freshWithin }),
  }
}

function misconfigured(field: string, problem: string): SessionError {
  return new SessionError('config_invalid', `${field} ${problem}.`)
}
