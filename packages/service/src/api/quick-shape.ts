import { LIMITS, type Presented } from 'holdfast'

/**
 * Whether a value is for sure what the schema `presented` takes: read by hand, at a fraction of the time. False is no
 * verdict: then the schema says what is wrong, if anything is.
 */
export function isPresented(value: unknown): value is Presented {
  if (!isObject(value)) return false
  for (const name of Object.keys(value)) {
    const isRight = Object.hasOwn(PRESENTED, name) ? PRESENTED[name] : undefined
    if (isRight === undefined || !isRight(value[name])) return false
  }
  return value.token !== undefined && value.request !== undefined
}

/** As {@link isPresented}, of the schema `batch`. */
export function isBatch(value: unknown): value is { readonly presented: readonly Presented[] } {
  if (!isObject(value) || Object.keys(value).length !== 1) return false
  const { presented } = value
  return (
    Array.isArray(presented) &&
    presented.length >= 1 &&
    presented.length <= MAX_BATCH &&
    presented.every(isPresented)
  )
}

const MAX_BATCH = 64
const MAX_TOKEN = 8_192
const MAX_AUDIENCE = 128
const MAX_VALUES = 16
const HEADER = /^[a-z0-9-]{1,64}$/

type Check = (value: unknown) => boolean

const text =
  (least: number, most: number): Check =>
  (value) =>
    typeof value === 'string' && value.length >= least && value.length <= most

const wholeFrom =
  (least: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && Number(value) >= least

const REQUEST: Readonly<Record<string, Check>> = {
  ip: (value) => value === null || text(0, LIMITS.address)(value),
  method: text(1, LIMITS.method),
  url: text(0, LIMITS.url),
  headers: areHeaders,
  // what few send, and no other: the schema looks at it
  client: (value) =>
    isObject(value) &&
    Object.keys(value).every(
      (name) => CLIENT.includes(name) && text(0, LIMITS.clientFact)(value[name]),
    ),
  tls: text(1, LIMITS.word),
}

const CLIENT: readonly string[] = ['screen', 'timezone', 'platform']

const PRESENTED: Readonly<Record<string, Check>> = {
  token: text(1, MAX_TOKEN),
  request: isRequest,
  sensitivity: (value) => value === 'normal' || value === 'sensitive',
  acr: text(1, LIMITS.word),
  maxAgeMs: wholeFrom(1),
  waitedMs: wholeFrom(0),
  deliverable: (value) => typeof value === 'boolean',
  audience: text(1, MAX_AUDIENCE),
  correlation: text(1, LIMITS.word),
}

function isRequest(value: unknown): boolean {
  if (!isObject(value)) return false
  for (const name of Object.keys(value)) {
    const isRight = Object.hasOwn(REQUEST, name) ? REQUEST[name] : undefined
    if (isRight === undefined || !isRight(value[name])) return false
  }
  const { ip, method, url, headers } = value
  return ip !== undefined && method !== undefined && url !== undefined && headers !== undefined
}

function areHeaders(value: unknown): boolean {
  if (!isObject(value)) return false
  const names = Object.keys(value)
  if (names.length > LIMITS.headers) return false
  for (const name of names) {
    const given = value[name]
    const right = Array.isArray(given)
      ? given.length <= MAX_VALUES && given.every(isHeaderValue)
      : isHeaderValue(given)
    if (!right || !HEADER.test(name)) return false
  }
  return true
}

function isHeaderValue(value: unknown): boolean {
  return typeof value === 'string' && value.length <= LIMITS.headerValue
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
