import type { Revocations, TokenFacts } from './revocations.ts'

/** What a connection is held by: an access token that was verified. */
export interface HeldClaims extends TokenFacts {
  /** Seconds since the epoch. */
  readonly exp: number
}

/** Connections that last longer than a request, each for as long as the token that opened it. */
export interface Holdings {
  /**
   * Calls `close` once: when the session is revoked, or when the token expires. At once, before this returns, if either
   * is so already. What it returns lets go: the connection ended by itself, or has shown a newer token.
   */
  hold(claims: HeldClaims, close: () => void): () => void
}

/** Longest time that a timer can be set to. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** One timer and one listener for all. Without `revocations` the end of the token is the only end. */
export function holdings(
  revocations?: Pick<Revocations, 'isRevoked' | 'onRevoked'>,
  now: () => number = () => Date.now(),
): Holdings {
  const held = new Set<Held>()
  let timer: NodeJS.Timeout | undefined
  let next = Infinity

  function end(which: (claims: HeldClaims) => boolean): void {
    for (const one of [...held]) {
      if (!which(one.claims)) continue
      held.delete(one)
      try {
        one.close()
      } catch (error) {
        // the others have to be closed all the same
        process.emitWarning(`A connection could not be closed: ${String(error)}`)
      }
    }
  }

  function expire(): void {
    const at = now()
    end(({ exp }) => exp * 1_000 <= at)
    next = Infinity
    for (const { claims } of held) next = Math.min(next, claims.exp * 1_000)
    schedule()
  }

  function schedule(): void {
    clearTimeout(timer)
    timer = undefined
    if (next === Infinity) return
    timer = setTimeout(expire, Math.min(LONGEST_TIMER_MS, Math.max(0, next - now())))
    timer.unref?.()
  }

  revocations?.onRevoked((ends) => end(ends))

  return {
    hold(claims, close) {
      if (revocations?.isRevoked(claims) || claims.exp * 1_000 <= now()) {
        close()
        return () => {}
      }
      const one: Held = { claims, close }
      held.add(one)
      if (claims.exp * 1_000 < next) {
        next = claims.exp * 1_000
        schedule()
      }
      return () => {
        held.delete(one)
        if (held.size > 0) return
        next = Infinity
        schedule()
      }
    },
  }
}

interface Held {
  readonly claims: HeldClaims
  readonly close: () => void
}
