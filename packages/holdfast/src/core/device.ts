import { parseHints, parseMobileHint } from './client-hints.ts'
import { parseJa4 } from './ja4.ts'
import { memo, PartsTable } from './memo.ts'
import {
  type ClientFacts,
  DEVICE_HEADERS,
  type Device,
  headerText,
  LOOKED_AT,
  RELEVANT_HEADERS,
  type RequestFacts,
} from './request.ts'
import { unsliced } from './unsliced.ts'
import { classifyUserAgent, type UserAgent } from './user-agent.ts'

const MAX_LANGUAGES = 8

const LANGUAGE = /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,4}$/
const SCREEN = /^[1-9]\d{0,4}x[1-9]\d{0,4}(?:x\d{1,2}(?:\.\d{1,20})?)?$/
const ZONE = /^[A-Za-z][\w+-]{0,31}(?:\/[\w+-]{1,32}){0,2}$/

/**
 * Reduces a request to the device that can be compared with tolerance. Total: whatever a client
 * sends gives a device, and what is not well-formed is null or left out. Linear in the size of the
 * input.
 */
export function describeDevice(request: RequestFacts): Device {
  const agent = agentOf(request)
  const { client } = request
  const mobile = parseMobileHint(header(request, 'sec-ch-ua-mobile'))
  return {
    ...agent,
    mobile: mobile ?? agent.mobile,
    languages: languagesOf(client, header(request, 'accept-language')),
    hints: parseHints(header(request, 'sec-ch-ua'), header(request, 'sec-ch-ua-platform')),
    screen: wellFormed(client?.screen, SCREEN),
    timezone: wellFormed(client?.timezone, ZONE),
    tls: parseJa4(request.tls),
  }
}

/**
 * A client that sends other headers but no user agent withholds it, which no browser does. No
 * headers at all means that the caller did not pass them on: unknown.
 */
function agentOf(request: RequestFacts): UserAgent {
  const text = header(request, 'user-agent')?.trim() ?? ''
  const agent = classifyUserAgent(text)
  const withheld = text === '' && RELEVANT_HEADERS.some((name) => textOf(request.headers[name]))
  return withheld ? { ...agent, family: 'automation' } : agent
}

/** Only of the headers that are part of a device's key: see {@link keyOf}. */
function header({ headers }: RequestFacts, name: (typeof DEVICE_HEADERS)[number]): string | null {
  return textOf(headers[name])
}

function textOf(value: string | readonly string[] | undefined): string | null {
  return value === undefined ? null : headerText(value)
}

function wellFormed(value: string | undefined, shape: RegExp): string | null {
  return value !== undefined && value.length <= LOOKED_AT.clientFact && shape.test(value)
    ? value
    : null
}

/**
 * The page's list, else the header's. Both claim the same thing; the page's order is the user's
 * own.
 */
function languagesOf(client: ClientFacts | undefined, header: string | null): readonly string[] {
  const claimed = (client?.languages ?? []).slice(0, LOOKED_AT.languages)
  const valid = claimed.filter((tag) => LANGUAGE.test(tag)).slice(0, MAX_LANGUAGES)
  return valid.length > 0 ? valid : acceptedLanguages(header ?? '')
}

/** `Accept-Language` in order of preference (RFC 9110, section 12.5.4). */
function acceptedLanguages(header: string): readonly string[] {
  return header
    .split(',', LOOKED_AT.languages)
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().split(';', 3)
      const quality = parameters.map((each) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/i.exec(each)?.[1])
      return { tag: tag.trim(), quality: Number(quality.find((q) => q !== undefined) ?? 1) }
    })
    .filter(({ tag, quality }) => quality > 0 && LANGUAGE.test(tag))
    .sort((a, b) => b.quality - a.quality)
    .slice(0, MAX_LANGUAGES)
    .map(({ tag }) => tag)
}

/** Longer requests are no browser's, and must not fill the memory. */
const MAX_LENGTH = 1024

/**
 * {@link describeDevice} that remembers: one browser sends the same headers with every request, and
 * reading them costs more than looking them up. Equal requests give the very same object. Holds
 * `remember` devices twice over, of at most 1 KiB of text each: a flood of made-up browsers costs
 * only time.
 */
export function deviceReader({
  remember = 1000,
}: {
  readonly remember?: number
} = {}): (request: RequestFacts) => Device {
  const devices = memo<Said, Device>(remember, undefined, () => new PartsTable())

  return (request) => {
    const said = saidIn(request)
    if (said === undefined) return describeDevice(request)
    const known = devices.get(said)
    if (known !== undefined) return known
    const device = describeDevice(request)
    const length = said.reduce((sum, text) => sum + (text?.length ?? 0), 0)
    if (length <= MAX_LENGTH)
      devices.set(
        said.map((text) => text && unsliced(text)),
        device,
      )
    return device
  }
}

/** All that a device is described by, each thing at its place and languages at the end. */
type Said = readonly (string | undefined)[]

function saidIn({ headers, client, tls }: RequestFacts): Said | undefined {
  // Without a user agent it matters which other headers there are.
  if (!headers['user-agent']) return undefined
  const said = [tls, client?.screen, client?.timezone]
  for (const name of DEVICE_HEADERS) {
    const value = headers[name]
    if (typeof value === 'object') return undefined
    said.push(value)
  }
  const languages = client?.languages
  const looked = Math.min(languages?.length ?? 0, LOOKED_AT.languages)
  for (let at = 0; at < looked; at++) said.push(languages?.[at])
  return said
}
