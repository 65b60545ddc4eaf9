import type { Revocations, TokenFacts } from './revocations.ts'

/** The claims of the verified access token that opened a connection. */
export interface ConnectionClaims extends TokenFacts {
  /** Seconds since the epoch. */
  readonly exp: number
}

/** Connections that outlast a request, each open for as long as its access token counts. */
export interface Connections {
  /**
   * Calls `close` once: when the session is revoked, or when the token expires; before this returns
   * if either has happened already. Returns a function that forgets the connection: call it when
   * the connection ended by itself, or when its client presented a newer token.
   */
  hold(claims: ConnectionClaims, close: () => void): () => void
}

/** Longest time that a timer can be set to. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * One timer and one listener for all connections. Without `revocations` only expiry ends them.
 */
export function connections(
  revocations?: Pick<Revocations, 'isRevoked' | 'onRevoked'>,
  now: () => number = () => Date.now(),
): Connections {
  const open = new Set<Connection>()
  let timer: NodeJS.Timeout | undefined
  let next = Infinity

  function end(which: (claims: ConnectionClaims) => boolean): void {
    for (const connection of [...open]) {
      if (!which(connection.claims)) continue
      open.delete(connection)
      try {
        connection.close()
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
    for (const { claims } of open) next = Math.min(next, claims.exp * 1_000)
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
      const connection: Connection = { claims, close }
      open.add(connection)
      if (claims.exp * 1_000 < next) {
        next = claims.exp * 1_000
        schedule()
      }
      return () => {
        open.delete(connection)
        if (open.size > 0) return
        next = Infinity
        schedule()
      }
    },
  }
}

interface Connection {
  readonly claims: ConnectionClaims
  readonly close: () => void
}
