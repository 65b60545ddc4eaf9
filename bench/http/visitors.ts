import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { REQUEST, userOf } from '../facts.ts'
import { AT_RANDOM, IN_TURN, type WorkingSet } from '../working-sets.ts'

/** `turn`: a few sessions in turn. `random`: all of them, at random. */
export type SetWord = 'turn' | 'random'

export const SET_WORDS: readonly SetWord[] = ['turn', 'random']

export const WORKING: Readonly<Record<SetWord, WorkingSet>> = { turn: IN_TURN, random: AT_RANDOM }

/** Who asks: the cookie that tells it, the address it comes from, the user that is answered. */
export interface Visitor {
  readonly cookie: string
  readonly ip: string
  readonly user: string
}

/** Everybody who may ask a server, with the headers that all of them send. */
export interface Crowd {
  readonly headers: Readonly<Record<string, string>>
  readonly visitors: readonly Visitor[]
}

/** What a browser sends, and the proxy that it came by. */
export const HEADERS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(REQUEST.headers).map(([name, value]) => [name, String(value)]),
  ),
  'x-forwarded-proto': 'https',
}

/** Written to a file once, as it is too long for a message to each who reads it. */
export function keepCrowd(folder: string, name: string, crowd: Crowd): string {
  const file = join(folder, `${name}.json`)
  writeFileSync(file, JSON.stringify(crowd))
  return file
}

/** Another address of the same subnet. */
export function besideOf(ip: string): string {
  return ip.replace(/\d+$/, '99')
}

/** Whom a bare handler answers to, so that all answers are of one size. */
export const NOBODY = userOf(0)

/** A cookie whose token has another letter in it. */
export function forgeryOf(cookie: string): string {
  return cookie.replace(/(__Host-[a-z]+=[^;]{20})([^;])/, (_, before, letter) =>
    letter === 'A' ? `${before}B` : `${before}A`,
  )
}
