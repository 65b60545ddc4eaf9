import { expect } from 'vitest'
import { REFRESH_COOKIE, SESSION_COOKIE } from '../../carriers/names.ts'
import type { RawAnswer } from './raw-http.ts'

/** The session cookie's name unless an adapter has another option. */
export const SESSION = SESSION_COOKIE

/** The refresh cookie's name unless an adapter has another option. */
export const REFRESH = REFRESH_COOKIE

/** What guards the session cookie, and the refresh cookie of the default path. */
export const SESSION_ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Lax'
export const REFRESH_ATTRIBUTES = 'Path=/refresh; Secure; HttpOnly; SameSite=Strict'

/** The owner's browser. */
export const OWNER = {
  cookie: 'hf-client=s=2560x1440x1&z=Europe/Oslo',
  'accept-language': 'nb,en;q=0.8',
}

/** The browser of a thief, which has a copy of the owner's cookie. */
export const THIEF = {
  cookie: 'hf-client=s=1366x768x1&z=Asia/Tokyo',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0',
  'accept-language': 'vi-VN,vi;q=0.9',
}

/** The headers of a browser's request for a page. */
export const NAVIGATION = {
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
}

/** Expects a problem document (RFC 9457) of this status and code that must not be stored. */
export function expectRefusal(answer: RawAnswer, status: number, code: string): void {
  expect(answer.json()).toMatchObject({ status, code, title: code.replaceAll('_', ' ') })
  expect(answer.status).toBe(status)
  expect(answer.header('content-type')).toMatch(/^application\/problem\+json/)
  expect(answer.header('cache-control')).toBe('no-store')
}

/** Expects that the answer expires the session cookie and sets no other. */
export function expectCleared(answer: RawAnswer): void {
  expect(answer.setCookies).toEqual([`${SESSION}=; ${SESSION_ATTRIBUTES}; Max-Age=0`])
}
