import { SessionError } from '../../core/errors.ts'

/** An argument of a framework: how its documentation names it, and how it is known. */
export interface Argument {
  readonly name: string
  fits(value: object): boolean
}

/**
 * What the calls of a framework take. Where request and response are one context, both are that;
 * where there is no response to write to, it is absent.
 */
export interface Arguments {
  readonly request: Argument
  readonly response?: Argument
}

/** What every call takes, in its order, and whether it answers at once. */
const CALLS = {
  login: ['request', 'response', 'login'],
  logout: ['request', 'response'],
  beginStepUp: ['request', 'requirements'],
  completeStepUp: ['request', 'response', 'proof'],
  refresh: ['request', 'response', 'requirements'],
  stepUpFailed: ['request', 'challenge'],
  loginFailed: ['request', 'subject'],
  forwardedFacts: ['request'],
  requestFacts: ['request'],
  refuse: ['response', 'refused'],
} as const satisfies Readonly<Record<string, readonly string[]>>

const AT_ONCE: ReadonlySet<string> = new Set(['requestFacts', 'refuse'])

const REFUSED: Argument = {
  name: 'refused',
  fits: (value) => 'refusal' in value,
}

type AnyCall = (...args: readonly unknown[]) => unknown

/**
 * The same calls, which throw `config_invalid` where an argument is missing or stands in the place
 * of another. What is no request, response or refusal is checked by the calls themselves.
 */
export function checkedCalls<Calls extends object>(calls: Calls, given: Arguments): Calls {
  const known: Readonly<Record<string, Argument | undefined>> = { ...given, refused: REFUSED }
  const checked: Record<string, AnyCall> = {}
  for (const [name, kinds] of Object.entries(CALLS)) {
    const call: unknown = Reflect.get(calls, name)
    if (typeof call !== 'function') continue
    const wanted = argumentsOf(kinds, known)
    const of = `${name}(${wanted.map((one) => one.name).join(', ')})`
    const asked: AnyCall = (...args) => {
      checkOrder(of, wanted, args)
      return Reflect.apply(call, undefined, args)
    }
    checked[name] = AT_ONCE.has(name) ? asked : async (...args) => asked(...args)
  }
  return { ...calls, ...checked }
}

/** Throws `config_invalid` where a lookup gets something else than a request. */
export function checkRequest(call: string, { request }: Arguments, given: unknown): void {
  checkOrder(`${call}(${request.name})`, [request], [given])
}

/** Throws `config_invalid` where a framework calls what makes a guard, as if it were one. */
export function checkWasCalled(of: string, given: unknown): void {
  if (typeof given !== 'object' || given === null) return
  if (!('headers' in given || 'req' in given)) return
  throw new SessionError(
    'config_invalid',
    `${of} makes a guard, and was not called: app.get(path, ${of}, handler).`,
  )
}

/** An argument that its call checks itself. */
type Wanted = Pick<Argument, 'name'> & Partial<Argument>

function argumentsOf(
  kinds: readonly string[],
  known: Readonly<Record<string, Argument | undefined>>,
): readonly Wanted[] {
  const wanted = new Set<Wanted>()
  for (const kind of kinds) {
    const one = kind in known || kind === 'response' ? known[kind] : { name: kind }
    if (one !== undefined) wanted.add(one)
  }
  return [...wanted]
}

function checkOrder(of: string, wanted: readonly Wanted[], args: readonly unknown[]): void {
  wanted.forEach(({ name, fits }, at) => {
    const value = args[at]
    if (fits === undefined) return
    if (typeof value === 'object' && value !== null && fits(value)) return
    const problem =
      value === undefined || value === null
        ? `${name} is missing.`
        : `argument ${at + 1} is no ${name}. Check the order.`
    throw new SessionError('config_invalid', `${of}: ${problem}`)
  })
}

/** A request of Node, and what is built upon it. */
export const NODE_REQUEST: Argument = {
  name: 'request',
  fits: (value) => hasHeaders(value) && !('setHeader' in value),
}

/** A response of Node, and what is built upon it. */
export const NODE_RESPONSE: Argument = {
  name: 'response',
  fits: (value) => 'setHeader' in value,
}

/** Whether something has headers to read, as requests do. */
export function hasHeaders(value: object): boolean {
  return 'headers' in value && typeof value.headers === 'object'
}
