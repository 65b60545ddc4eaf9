import { createHash } from 'node:crypto'
import { ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import type { SessionView } from 'holdfast'
import {
  type Carrier,
  cookie,
  type ExpressHoldfast,
  type LoginFacts,
  ownPath,
} from 'holdfast/express'

/** How logins of express-session become sessions of Holdfast. */
export interface BridgeOptions {
  readonly hf: ExpressHoldfast
  /** Whom the old session has logged in, and what is known of how; undefined for a guest. */
  loginOf(request: Request): LoginFacts | undefined
  /**
   * True exactly once for a key, whichever process asks. Each old login is turned into one session,
   * never two.
   */
  once(key: string): Promise<boolean>
  /** Takes back a session that came second. */
  revoke(id: SessionView['id']): Promise<void>
  /** How tokens of Holdfast come: the same as the adapter was given. */
  readonly carrier?: Carrier
  /** The old cookie's name. Default that of express-session. */
  readonly oldCookie?: string
}

/** The old login next to the new one, for as long as both are there. */
export interface Bridge {
  /**
   * Before all routes: a page that is asked for with an old login alone is asked for again, with a
   * session of Holdfast.
   */
  readonly migrate: RequestHandler
  /**
   * Instead of `requireSession()`: also passes the old logins that are not turned yet, of posts
   * from open pages.
   */
  requireEither(requireSession: RequestHandler): RequestHandler
  /** At a logout: the old session ends, too. */
  endOld(request: Request, response: Response): Promise<void>
}

declare module 'express-session' {
  interface SessionData {
    /** When its login became a session of Holdfast: UTC, ms. */
    movedAt: number
  }
}

/**
 * Tabs that a browser opens together all bring the old cookie: those that were not first come again
 * with the new one.
 */
const SECOND_LOOK_MS = 500
const LATECOMER_MS = 5_000

/**
 * Keeps people logged in while an application moves from express-session to Holdfast. Belongs right
 * behind express-session, which needs `resave: false`: a login that was consumed must not be
 * written back.
 */
export function expressSessionBridge(options: BridgeOptions): Bridge {
  const { hf, loginOf, once, revoke, carrier = cookie(), oldCookie = 'connect.sid' } = options

  /**
   * A token of Holdfast, dead or alive, decides alone: without that, a challenged thief would fall
   * back to the old cookie.
   */
  function comesWithToken({ headers }: Request): boolean {
    const carried = carrier.read((name) => (name === 'cookie' ? headers.cookie : undefined))
    return carried.ok || carried.code !== 'token_missing'
  }

  function oldLoginOf(request: Request): LoginFacts | undefined {
    return comesWithToken(request) ? undefined : loginOf(request)
  }

  async function endOld(request: Request, response: Response): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      if (request.session === undefined) return resolve()
      request.session.destroy((error: unknown) => (error ? reject(error) : resolve()))
    })
    response.clearCookie(oldCookie)
  }

  /** Leaves nothing of the old session but when it ended: its id opens no login any more. */
  async function consume(request: Request): Promise<void> {
    const { session } = request
    for (const name of Object.keys(session))
      if (name !== 'cookie') Reflect.deleteProperty(session, name)
    session.movedAt = Date.now()
    await new Promise<void>((resolve, reject) => {
      session.save((error: unknown) => (error ? reject(error) : resolve()))
    })
    Reflect.deleteProperty(request, 'session') // or its cookie would be sent once more
  }

  async function comeAgain(request: Request, response: Response): Promise<void> {
    await wait(SECOND_LOOK_MS)
    response.set('cache-control', 'no-store').redirect(307, ownPath(request.originalUrl))
  }

  async function move(request: Request, response: Response, next: NextFunction): Promise<void> {
    if (request.method !== 'GET' || comesWithToken(request)) return next()
    const { movedAt } = request.session
    if (movedAt !== undefined && Date.now() - movedAt < LATECOMER_MS) {
      return comeAgain(request, response)
    }
    const login = loginOf(request)
    if (login === undefined) return next()

    // The cookie leaves only when it is sure that this is the one session that comes of the old
    // login. So an answer that is never sent takes it first.
    const aside = new ServerResponse(request) as Response
    // What may not log in (plain HTTP, a page of another site) and what cannot now (503) leaves
    // the old login as it is.
    const done = await hf.login(request, aside, {
      ...login,
      attributes: { ...login.attributes, migrated: true },
    })
    if (!done.ok) return next()
    const first = await once(keyOf(request.sessionID))
    await consume(request)
    if (!first) {
      await revoke(done.session.id)
      return comeAgain(request, response)
    }
    response.clearCookie(oldCookie)
    for (const [name, value] of done.headers()) {
      if (name === 'set-cookie') response.append(name, value)
      else response.set(name, value)
    }
    response.redirect(307, ownPath(request.originalUrl))
  }

  return {
    migrate(request, response, next) {
      // Express 4 takes no notice of a rejected promise: its client would wait for ever.
      move(request, response, next).catch((error: unknown) => {
        next(error instanceof Error ? error : new Error(String(error)))
      })
    },

    requireEither: (requireSession) => (request, response, next) =>
      oldLoginOf(request) === undefined ? requireSession(request, response, next) : next(),

    endOld,
  }
}

/** The old session's id is a secret: not even its marks hold it. */
function keyOf(sessionId: string): string {
  return `express-session:${createHash('sha256').update(sessionId).digest('base64url')}`
}
