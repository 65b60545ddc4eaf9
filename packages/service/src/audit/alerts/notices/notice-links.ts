import { createHmac, timingSafeEqual } from 'node:crypto'
import { SessionError } from 'holdfast'

/** What the person says by a link. */
export type NoticeAnswer = 'me' | 'not_me'

/** The two links of a notice. */
export interface LinkPair {
  readonly me: string
  readonly notMe: string
}

/** What a token of ours stands for. */
export interface NoticeLink {
  readonly answer: NoticeAnswer
  readonly session: string
  readonly event: string
  readonly expiresAt: number
  /** Counts the tries that failed on our side: each has a token of its own. */
  readonly attempt: number
}

/** What of a notice its links are made from. */
export interface LinkedNotice {
  readonly session: string | null
  readonly event: string
  readonly at: number
}

export type ReadLink =
  | { readonly ok: true; readonly link: NoticeLink }
  | { readonly ok: false; readonly code: 'link_invalid' | 'link_expired' }

export interface NoticeLinks {
  /** The path of the links, for the form that confirms. */
  readonly path: string
  /** The same for the same event, for seven days from it. Undefined where it has no session. */
  links(notice: LinkedNotice): LinkPair | undefined
  read(token: string): ReadLink
  /** A token for one more try, where one was used and nothing came of it. */
  again(link: NoticeLink): string
}

export interface NoticeLinksOptions {
  /** At least 32 bytes each. The first signs, all are believed. Used for nothing else. */
  readonly keys: readonly Uint8Array[]
  /** Where the handler answers, as browsers see it. */
  readonly url: string
  readonly now: () => number
}

const LIFE_MS = 7 * 86_400_000
const KEY_BYTES = 32
const MAC_BYTES = 32
const PURPOSE = 'holdfast notice link 1'
const ANSWERS = ['me', 'not_me'] as const
const MOST_ATTEMPTS = 255

/** Signed links: answer, attempt, session id, event id, expiry, HMAC-SHA256; 88 bytes in all. */
const SESSION = { at: 2, bytes: 32 }
const EVENT = { at: 34, bytes: 16 }
const EXPIRY = { at: 50, bytes: 6 }
const SIGNED_BYTES = 56

/** Throws `config_invalid` for keys that are too short. */
export function noticeLinks({ keys, url, now }: NoticeLinksOptions): NoticeLinks {
  const [signing] = keys
  if (signing === undefined || keys.some((key) => key.length < KEY_BYTES)) {
    throw new SessionError('config_invalid', 'The keys of notices must have 32 bytes or more.')
  }
  const base = new URL(url)

  function tokenOf(key: Uint8Array, link: NoticeLink): string {
    const signed = Buffer.alloc(SIGNED_BYTES)
    signed[0] = ANSWERS.indexOf(link.answer)
    signed[1] = link.attempt
    signed.set(bytesOf(link.session, SESSION.bytes), SESSION.at)
    signed.set(bytesOf(link.event, EVENT.bytes), EVENT.at)
    signed.writeUIntBE(link.expiresAt, EXPIRY.at, EXPIRY.bytes)
    return Buffer.concat([signed, macOf(key, signed)]).toString('base64url')
  }

  function urlOf(link: NoticeLink): string {
    const full = new URL(base)
    full.searchParams.set('t', tokenOf(signing ?? new Uint8Array(), link))
    return full.href
  }

  return {
    path: base.pathname,

    links({ session, event, at }) {
      if (session === null) return undefined
      const link = { session, event, expiresAt: at + LIFE_MS, attempt: 0 }
      return {
        me: urlOf({ answer: 'me', ...link }),
        notMe: urlOf({ answer: 'not_me', ...link }),
      }
    },

    read(token) {
      const bytes = Buffer.from(token.slice(0, 256), 'base64url')
      const whole = bytes.length === SIGNED_BYTES + MAC_BYTES
      // One spelling a token: what was used once must not come again in another.
      if (!whole || bytes.toString('base64url') !== token)
        return { ok: false, code: 'link_invalid' }
      const [signed, mac] = [bytes.subarray(0, SIGNED_BYTES), bytes.subarray(SIGNED_BYTES)]
      const good = keys.filter((key) => timingSafeEqual(macOf(key, signed), mac)).length > 0
      const answer = ANSWERS[signed[0] ?? ANSWERS.length]
      if (!good || answer === undefined) return { ok: false, code: 'link_invalid' }
      const expiresAt = signed.readUIntBE(EXPIRY.at, EXPIRY.bytes)
      if (expiresAt <= now()) return { ok: false, code: 'link_expired' }
      const part = ({ at, bytes: length }: typeof SESSION): string =>
        signed.subarray(at, at + length).toString('base64url')
      const attempt = signed[1] ?? 0
      return {
        ok: true,
        link: { answer, session: part(SESSION), event: part(EVENT), expiresAt, attempt },
      }
    },

    again: (link) =>
      tokenOf(signing, { ...link, attempt: Math.min(link.attempt + 1, MOST_ATTEMPTS) }),
  }
}

function macOf(key: Uint8Array, signed: Uint8Array): Buffer {
  return createHmac('sha256', key).update(PURPOSE).update(signed).digest()
}

function bytesOf(id: string, length: number): Buffer {
  const bytes = Buffer.from(id, 'base64url')
  if (bytes.length === length) return bytes
  throw new TypeError('That is no id of a session or an event.')
}
