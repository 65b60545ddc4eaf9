import { CLIENT_FACTS_NAME } from '../../carriers/names.ts'
import { scanCookies } from '../../carriers/scan-cookies.ts'
import { memo } from '../../core/memo.ts'
import { type ClientFacts, LOOKED_AT } from '../../core/request.ts'
import { unsliced } from '../../core/unsliced.ts'
import type { HttpFacts } from './http-request.ts'

/**
 * Reads what the browser module wrote, for example
 * `s=2560x1440x2&z=Europe/Oslo&l=en-GB.nb&p=Linux+x86_64&t=0`. One malformed, repeated or unknown
 * field, or more than 512 characters, and there are no facts at all.
 */
export function parseClientFacts(text: string): ClientFacts | undefined {
  if (text === '' || text.length > MAX_LENGTH) return undefined
  const seen = new Set<string>()
  let facts: ClientFacts = {}
  for (const field of text.split('&')) {
    const equals = field.indexOf('=')
    const name = field.slice(0, Math.max(0, equals))
    const read = seen.has(name) ? undefined : FIELDS.get(name)?.(field.slice(equals + 1))
    if (read === undefined) return undefined
    seen.add(name)
    facts = { ...facts, ...read }
  }
  return facts
}

/**
 * Reads the facts in the cookies of requests, and remembers the last ones that it parsed, because a
 * browser repeats its own with each request. Two cookies of the name are no facts: somebody planted
 * one of them.
 */
export function clientFactsReader(): (facts: Pick<HttpFacts, 'header'>) => ClientFacts | undefined {
  const known = memo<string, ClientFacts>(MAX_REMEMBERED)
  return ({ header }) => {
    const lines = header('cookie')
    if (lines === undefined) return undefined
    const text = typeof lines === 'string' ? lines : lines.join('; ')
    const [value, another] = scanCookies(text, CLIENT_FACTS_NAME)
    if (value === undefined || another !== undefined || value.length > MAX_LENGTH) return undefined
    const before = known.get(value)
    if (before !== undefined) return before
    const copy = unsliced(value)
    const facts = parseClientFacts(copy)
    if (facts !== undefined) known.set(copy, facts)
    return facts
  }
}

const MAX_LENGTH = 512
const MAX_REMEMBERED = 1_000

const SCREEN = /^[1-9]\d{0,4}x[1-9]\d{0,4}(?:x\d{1,2}(?:\.\d{1,2})?)?$/
const ZONE = /^[A-Za-z][\w+-]{0,31}(?:\/[\w+-]{1,32}){0,2}$/
const LANGUAGE = /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,4}$/
const PLATFORM = /^[\w.+-]+$/
const TOUCH = /^\d{1,3}$/

type Reader = (value: string) => Partial<ClientFacts> | undefined

const FIELDS = new Map<string, Reader>([
  ['s', (screen) => (SCREEN.test(screen) ? { screen } : undefined)],
  ['z', (timezone) => (fits(timezone, ZONE) ? { timezone } : undefined)],
  ['l', readLanguages],
  [
    'p',
    (platform) =>
      fits(platform, PLATFORM) ? { platform: platform.replaceAll('+', ' ') } : undefined,
  ],
  ['t', (touch) => (TOUCH.test(touch) ? { touch: Number(touch) } : undefined)],
])

function fits(value: string, shape: RegExp): boolean {
  return value.length <= LOOKED_AT.clientFact && shape.test(value)
}

function readLanguages(text: string): Partial<ClientFacts> | undefined {
  const languages = text.split('.', LOOKED_AT.languages + 1)
  const valid =
    languages.length <= LOOKED_AT.languages && languages.every((tag) => LANGUAGE.test(tag))
  return valid ? { languages } : undefined
}
