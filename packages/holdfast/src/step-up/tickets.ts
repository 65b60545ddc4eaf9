import { fromBase64url, toBase64url } from '../core/base64url.ts'
import { SessionError } from '../core/errors.ts'
import type { Host } from '../core/host.ts'
import type { FactorOwner } from './factors.ts'
import { SEAL_KEY_BYTES, seal, unseal } from './sealed.ts'

/** What was begun: the answer of `beginStepUp`, or of {@link Tickets.begun}. */
export interface Begun extends FactorOwner {
  readonly challenge: string
  readonly expiresAt: number
}

/** Carries what was begun through the page, so that no process has to remember it. */
export interface Tickets {
  /** Opens the ticket of an offer; undefined for one that was not sealed here, or has expired. */
  begun(ticket: string): Begun | undefined
}

const PURPOSE = 'holdfast step-up ticket'
const MAX_LENGTH = 4096

/**
 * Tickets are sealed, so that the page neither sees the subject nor names another one: a wrong
 * answer would count against somebody else.
 */
export function tickets({
  key = undefined,
  host,
}: {
  readonly key: Uint8Array | undefined
  readonly host: Host
}): Tickets & { issue(begun: Begun): string } {
  if (key !== undefined && key.length !== SEAL_KEY_BYTES) {
    throw new SessionError('config_invalid', `stepUp() needs a key of ${SEAL_KEY_BYTES} bytes.`)
  }
  const own = key ?? host.random(SEAL_KEY_BYTES)

  return {
    issue: ({ subject, tenant, challenge, expiresAt }) => {
      const plain = Buffer.from(JSON.stringify({ subject, tenant, challenge, expiresAt }))
      return toBase64url(seal(plain, { key: own, associatedData: PURPOSE, host }))
    },
    begun(ticket) {
      if (typeof ticket !== 'string' || ticket.length > MAX_LENGTH) return undefined
      const plain = unseal(fromBase64url(ticket) ?? NOTHING, { key: own, associatedData: PURPOSE })
      if (plain === undefined) return undefined
      const begun = JSON.parse(plain.toString()) as Begun
      return begun.expiresAt > host.now() ? begun : undefined
    },
  }
}

const NOTHING = new Uint8Array()
