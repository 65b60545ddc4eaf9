import { json, type Request, type Response, Router } from 'express'
import { cookie } from 'holdfast/express'
import type { Cursor } from 'holdfast/store'
import type { EventAtCursor } from 'holdfast/wire'
import { FACTS_COOKIE } from '../demo/clock.ts'
import { thiefPresets } from '../demo/thief-presets.ts'
import { readCookie } from '../edge/cookies.ts'
import { document } from '../pages/layout.ts'
import { thiefPage } from '../pages/thief.ts'
import { drawer } from '../thief/drawer.ts'
import { findings, verdictOf } from '../thief/findings.ts'
import { replay, TARGETS, type Target } from '../thief/replay.ts'
import { fieldOf, type GatewayParts, homeOf, placeOf, visitorOf } from './parts.ts'

export const DRAWER_COOKIE = 'demo_drawer'
export const DRAWER_PATH = '/thief'

/** What a copied browser sends, beside its cookies. */
const BROWSER_HEADERS = [
  'user-agent',
  'accept-language',
  'sec-ch-ua',
  'sec-ch-ua-mobile',
  'sec-ch-ua-platform',
]

/** The thief's desk: copies the visitor's own cookie and shows it from elsewhere. */
export function thiefRoutes(parts: GatewayParts & { readonly edgePort: number }): Router {
  const { guard, operator, now, edgePort } = parts
  const copies = drawer(now)
  const carrier = cookie()
  const router = Router()

  router.get('/thief', guard.optionalSession(), (request, response) => {
    const loggedIn = guard.optionalSessionOf(request) !== undefined
    const body = thiefPage({
      presets: thiefPresets(homeOf(parts, request)),
      loggedIn,
      copied: copies.get(drawerKey(request)) !== undefined,
    })
    const page = {
      title: 'Thief',
      path: '/thief',
      visitor: loggedIn ? visitorOf(parts, request) : undefined,
      place: placeOf(parts, request),
      scripts: ['thief.js'],
    }
    response.send(document({ ...page, body }))
  })

  router.post('/thief/copy', guard.requireSession(), (request, response) => {
    const session = sessionCookieAfter(request, response)
    const facts = readCookie(request.headers.cookie ?? '', FACTS_COOKIE)
    const key = copies.put({
      session: `${carrier.name}=${session}`,
      facts: facts === undefined ? undefined : `${FACTS_COOKIE}=${facts}`,
      headers: browserHeaders(request),
      sessionId: guard.sessionOf(request).id,
    })
    response
      .cookie(DRAWER_COOKIE, key, {
        httpOnly: true,
        secure: true,
        sameSite: 'strict',
        path: DRAWER_PATH,
      })
      .status(204)
      .end()
  })

  // Not verified: the owner's browser must not use its own secret when the thief uses his copy of
  // it.
  router.post('/thief/replay', json({ limit: '1kb' }), async (request, response) => {
    const key = drawerKey(request)
    const loot = copies.get(key)
    const target = fieldOf(request.body, 'target')
    const preset = thiefPresets(homeOf(parts, request)).find(
      ({ id }) => id === fieldOf(request.body, 'preset'),
    )
    if (key === undefined || loot === undefined || preset === undefined || !isTarget(target)) {
      response.status(400).json({ title: 'Copy the cookie first, then choose.', status: 400 })
      return
    }

    const before = await eventsAfter(loot.sessionId, loot.readUntil)
    const origin = `http://${request.headers.host ?? 'localhost'}`
    const answer = await replay({ edgePort, origin, loot, preset, target })
    const caused = await eventsAfter(loot.sessionId, before.cursor)
    copies.replace(key, { ...answer.loot, readUntil: caused.cursor })

    const detail = await operator.session(loot.sessionId)
    const { status, code, request: sent } = answer
    response.json({
      request: sent,
      status,
      code,
      verdict: verdictOf(status, code),
      ...findings({ preset, caused: caused.items, detail, now: now() }),
    })
  })

  /** The secret that the browser holds once it has this answer. */
  function sessionCookieAfter(request: Request, response: Response): string {
    const fresh = [response.getHeader('set-cookie') ?? []]
      .flat()
      .map((line) => readCookie(String(line), carrier.name))
      .findLast((value) => value !== undefined)
    return fresh ?? readCookie(request.headers.cookie ?? '', carrier.name) ?? ''
  }

  async function eventsAfter(
    sessionId: string,
    after: Cursor | undefined,
  ): Promise<{ readonly items: readonly EventAtCursor[]; readonly cursor: Cursor }> {
    const page = await operator.events(sessionId, after)
    if (!page.more) return page
    const rest = await eventsAfter(sessionId, page.cursor)
    return { items: [...page.items, ...rest.items], cursor: rest.cursor }
  }

  return router
}

function drawerKey(request: Request): string | undefined {
  return readCookie(request.headers.cookie ?? '', DRAWER_COOKIE)
}

function browserHeaders(request: Request): Readonly<Record<string, string>> {
  return Object.fromEntries(
    BROWSER_HEADERS.flatMap((name) => {
      const value = request.headers[name]
      return typeof value === 'string' ? [[name, value]] : []
    }),
  )
}

function isTarget(text: string): text is Target {
  return Object.hasOwn(TARGETS, text)
}
