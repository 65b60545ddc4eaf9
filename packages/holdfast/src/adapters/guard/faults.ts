import { CODES, type Code, SessionError } from '../../core/errors.ts'

/**
 * A fault of the engine, as the cause of a refusal. It never expires a cookie: nothing was decided
 * about the session.
 */
export interface Fault {
  readonly ok: false
  readonly code: Code
  readonly detail?: string
}

/**
 * What was thrown and has no code is a bug. Frameworks send the message of an error to the client
 * (Fastify does), so the bug is the cause of an error that says nothing of it.
 */
export function bugOf(thrown: unknown): Error {
  if (thrown instanceof Error && faultCode(thrown) !== undefined) return thrown
  return new SessionError('internal_error', 'Holdfast could not answer. The log has the cause.', {
    cause: thrown,
  })
}

/** The same call, which rejects for a bug as {@link bugOf} has it. */
export function withBugs<Args extends readonly unknown[], Result>(
  call: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    try {
      return await call(...args)
    } catch (error) {
      throw bugOf(error)
    }
  }
}

/** Calls the engine. Its coded faults become values; everything else is a bug and is thrown on. */
export async function attempt<T>(call: () => Promise<T>): Promise<T | Fault> {
  try {
    return await call()
  } catch (error) {
    return faultOf(error)
  }
}

/**
 * The same for calls whose facts are the application's own: what is wrong with them is a mistake of
 * the program, and is thrown.
 */
export async function attemptOwn<T>(call: () => Promise<T>): Promise<T | Fault> {
  try {
    return await call()
  } catch (error) {
    const fault = faultOf(error)
    if (fault.code === 'invalid_input' || fault.code === 'config_invalid') throw error
    return fault
  }
}

/**
 * The coded fault that was thrown; everything else is thrown as {@link bugOf} has it. It goes by
 * the code and not by the class, because two copies of the library in one process have two classes.
 */
export function faultOf(error: unknown): Fault {
  const code = faultCode(error)
  if (code === undefined) throw bugOf(error)
  const detail = code === 'invalid_input' && error instanceof Error ? error.message : undefined
  return { ok: false, code, ...(detail === undefined ? {} : { detail }) }
}

function faultCode(error: unknown): Code | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  const { code } = error
  return isKnownCode(code) && CODES[code].kind === 'fault' ? code : undefined
}

function isKnownCode(code: unknown): code is Code {
  return typeof code === 'string' && Object.hasOwn(CODES, code)
}
