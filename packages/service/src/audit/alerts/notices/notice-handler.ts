import type { Sessions } from 'holdfast'
import type { NoticeLink, NoticeLinks } from './notice-links.ts'
import { noticePage, type PageContent } from './notice-page.ts'

export interface NoticeHandlerOptions {
  readonly links: NoticeLinks
  readonly sessions: Pick<Sessions, 'report'>
  /** True for the first call with a key until then: the replay guard of the store. */
  readonly once: (key: string, until: number) => Promise<boolean>
  /** Called with what was thrown, which holds no token. */
  readonly failed: (error: unknown) => void
}

/** Why a link did nothing. */
export type NoticeRefusal =
  | 'link_invalid'
  | 'link_expired'
  | 'link_used'
  | 'method_not_allowed'
  | 'unsupported_media_type'
  | 'body_too_large'
  | 'unavailable'

const MOST_BODY_BYTES = 2_048
const FORM = 'application/x-www-form-urlencoded'

/**
 * Answers the links of notices. A GET only asks, so that a mail scanner which opens every link does
 * nothing; the POST of its form acts, once for each link. Never rejects.
 */
export function noticeHandler(
  options: NoticeHandlerOptions,
): (request: Request) => Promise<Response> {
  const { links, failed } = options

  async function posted(request: Request): Promise<Response> {
    const [type = ''] = (request.headers.get('content-type') ?? '').split(';')
    if (type.trim().toLowerCase() !== FORM) return refusal('unsupported_media_type')
    const body = await textOf(request)
    if (body === undefined) return refusal('body_too_large')
    const token = new URLSearchParams(body).get('t') ?? ''
    const read = links.read(token)
    return read.ok ? act(options, token, read.link) : refusal(read.code)
  }

  return async (request) => {
    try {
      if (request.method === 'POST') return await posted(request)
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return refusal('method_not_allowed')
      const token = new URL(request.url).searchParams.get('t') ?? ''
      const read = links.read(token)
      if (!read.ok) return refusal(read.code)
      return answer(200, { ...ASKED[read.link.answer], form: { path: links.path, token } })
    } catch (error) {
      failed(error)
      return refusal('unavailable')
    }
  }
}

async function act(
  { links, sessions, once, failed }: NoticeHandlerOptions,
  token: string,
  link: NoticeLink,
): Promise<Response> {
  const { answer: said, session, event, expiresAt, attempt } = link
  let retry = token
  try {
    if (!(await once(`notice ${said} ${event} ${session} ${attempt}`, expiresAt))) {
      return refusal('link_used')
    }
    retry = links.again(link)
    const kind = said === 'not_me' ? 'not_me' : 'false_alarm'
    await sessions.report({ kind, session, correlation: event })
  } catch (error) {
    failed(error)
    return answer(503, { ...REFUSALS.unavailable, form: { path: links.path, token: retry } })
  }
  return answer(200, DONE[said])
}

/** At most so much of it; undefined for more. */
async function textOf(request: Request): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length
    if (bytes > MOST_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function refusal(code: NoticeRefusal): Response {
  const { status, ...content } = REFUSALS[code]
  return answer(status, { ...content, code })
}

function answer(status: number, content: PageContent): Response {
  const { html, policy } = noticePage(content)
  return new Response(html, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': policy,
      // The address has the token in it: no other site gets it.
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-robots-tag': 'noindex, nofollow',
      ...(status === 405 ? { allow: 'GET, HEAD, POST' } : {}),
      ...(status === 503 ? { 'retry-after': '5' } : {}),
    },
  })
}

const ASKED: Readonly<Record<NoticeLink['answer'], PageContent>> = {
  me: {
    title: 'Was it you?',
    text: 'Confirm that the mail tells of something that you have done yourself.',
    button: 'Yes, it was me',
  },
  not_me: {
    title: 'It was not you?',
    text:
      'Confirm to end the session that the mail tells of. Whoever uses it is logged out, you ' +
      'too if it is yours, and has to prove anew who they are.',
    button: 'It was not me: end the session',
  },
}

const DONE: Readonly<Record<NoticeLink['answer'], PageContent>> = {
  me: { title: 'Thank you', text: 'It is noted that it was you.' },
  not_me: {
    title: 'The session is over',
    text: 'Log in again, and change your password if you have one.',
  },
}

const REFUSALS: Readonly<Record<NoticeRefusal, PageContent & { readonly status: number }>> = {
  link_invalid: {
    status: 400,
    title: 'This link is not whole',
    text: 'Open it from the mail itself, or copy all of it.',
  },
  link_expired: {
    status: 410,
    title: 'This link is too old',
    text: 'Log in and look at your sessions there.',
  },
  link_used: {
    status: 410,
    title: 'This link was used already',
    text: 'Each link works once. Log in and look at your sessions there.',
  },
  method_not_allowed: { status: 405, title: 'Not like this', text: 'Open the link in a browser.' },
  unsupported_media_type: { status: 415, title: 'Not like this', text: 'Use the button.' },
  body_too_large: { status: 413, title: 'Not like this', text: 'Use the button.' },
  unavailable: {
    status: 503,
    title: 'It did not work yet',
    text: 'Nothing was decided. Try again in a moment.',
    button: 'Try again',
  },
}
