import { ownPath, type RefusalWording, type RefusedRequest } from 'holdfast/express'
import { type Html, html } from '../pages/html.ts'
import { document, type Frame } from '../pages/layout.ts'

type Words = readonly [title: string, text: string]

const WORDS: Readonly<Record<string, Words>> = {
  context_refused: [
    'Not from here, not now',
    'Too much has gone wrong from this place and browser. Go on from where you are known, or log ' +
      'out and log in again.',
  ],
  form_token_invalid: [
    'This form is stale',
    'It belongs to an earlier session. Go back, load the page again, and send it once more.',
  ],
  cross_site_request: [
    'Not from this site',
    'Another site sent this request, so nothing was done.',
  ],
  session_limit_reached: ['Too many sessions', 'End one of your other sessions first.'],
}

/** Why a place and browser is refused, by the reason that the decision gives. */
const CAUSES: Readonly<Record<string, Words>> = {
  attempts_exhausted: [
    'Too many wrong codes',
    'Five wrong codes came from this place and browser, so it is asked for no more of them. Go ' +
      'on from where you are known, or log out and log in again.',
  ],
  prompts_exhausted: [
    'Asked too often',
    'A code was asked for three times within the hour from places that you have not confirmed. ' +
      'Wait a while, go on from where you are known, or log out and log in again.',
  ],
  contexts_exhausted: [
    'Too many places at once',
    'This session is used from as many places and browsers as one session may be. Go on from one ' +
      'of them, or log out and log in again.',
  ],
}

const TO_LOGIN = { status: 303, headers: { location: '/login' }, body: '' } as const

/**
 * A person who waits for a page gets one; programs and redirects keep what the library says.
 *
 * @param frame Of the page that is refused: the way out of it is to travel on, or to log out.
 */
export function refusalPage(refused: RefusedRequest, frame: Frame): RefusalWording | undefined {
  // The front door leads to the login for everybody, not only for browsers.
  if (refused.code === 'token_missing' && refused.url === '/') return TO_LOGIN
  if (!refused.navigation || refused.status < 400) return undefined
  const cause = refused.decision?.because.find(({ reason }) => Object.hasOwn(CAUSES, reason))
  const [title, text] = CAUSES[cause?.reason ?? ''] ??
    WORDS[refused.code] ?? [
      refused.status === 503 ? 'Nothing was decided' : 'That did not work',
      refused.status === 503
        ? 'The session could not be checked just now. You are still logged in: please try again ' +
          'in a moment.'
        : 'The request was refused.',
    ]
  const refusedHere = refused.code === 'context_refused' && frame.place
  const codes = [refused.code, ...(cause === undefined ? [] : [cause.reason])]
  return {
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: messagePage({
      ...frame,
      path: interrupted(refused.returnTo),
      title,
      text,
      more: html`${refusedHere && travelHint(refusedHere.city)}
<p class="small-print">Reason:
${codes.map((code, at) => html`${at > 0 && ', '}<code>${code}</code>`)}</p>`,
      way: wayOut(refused),
    }),
  }
}

/** A page with one message, and one way to go on. */
export function messagePage(
  page: Frame & {
    readonly title: string
    readonly text: string
    /** Where to go on from here after travelling; default the shop. */
    readonly path?: string
    readonly more?: Html
    readonly way?: Html
  },
): string {
  const { title, text, path = '/', more, way = TO_THE_SHOP } = page
  const body = html`<div class="card message"><h1>${title}</h1><p>${text}</p>${more}${way}</div>`
  return document({ ...page, path, body })
}

const TO_THE_SHOP = html`<p><a class="button" href="/">To the shop</a></p>`

function wayOut({ code, status, returnTo }: RefusedRequest): Html {
  if (code === 'context_refused') {
    return html`<form method="post" action="/logout"><button>Log out and begin again</button>
</form>`
  }
  if (status === 503) return html`<p><a class="button" href="${returnTo}">Try again</a></p>`
  return TO_THE_SHOP
}

function travelHint(city: string): Html {
  return html`<p>In this demonstration you travel in no time: choose another city at the top of the
page, where it says ${city}.</p>`
}

/** The page that a step-up interrupted, not the one that asks for the code. */
function interrupted(returnTo: string): string {
  const { pathname, searchParams } = new URL(returnTo, 'http://localhost')
  return pathname === '/step-up' ? ownPath(searchParams.get('return') ?? '/') : returnTo
}
