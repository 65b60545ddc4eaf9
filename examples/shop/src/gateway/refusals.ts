import type { RefusalWording, RefusedRequest } from 'holdfast/express'
import { type Html, html } from '../pages/html.ts'
import { document } from '../pages/layout.ts'

const WORDS: Readonly<Record<string, readonly [title: string, text: string]>> = {
  context_refused: [
    'Not from here, not now',
    'The second factor was asked for too often. Please try again later, or from a place and browser where you are known.',
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

const TO_LOGIN = { status: 303, headers: { location: '/login' }, body: '' } as const

/** A person who waits for a page gets one; programs and redirects keep what the library says. */
export function refusalPage(refused: RefusedRequest): RefusalWording | undefined {
  // The front door leads to the login for everybody, not only for browsers.
  if (refused.code === 'token_missing' && refused.url === '/') return TO_LOGIN
  if (!refused.navigation || refused.status < 400) return undefined
  const [title, text] = WORDS[refused.code] ?? [
    refused.status === 503 ? 'Nothing was decided' : 'That did not work',
    refused.status === 503
      ? 'The session could not be checked just now. You are still logged in: please try again in a moment.'
      : 'The request was refused.',
  ]
  return {
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: messagePage(
      title,
      text,
      html`<p class="small-print">Code: <code>${refused.code}</code></p>`,
    ),
  }
}

/** A page with one message. */
export function messagePage(title: string, text: string, more?: Html): string {
  const body = html`<div class="card narrow"><h1>${title}</h1><p>${text}</p>${more}<p><a class="button" href="/">To the shop</a></p></div>`
  return document({ title, path: '/', place: undefined, body })
}
