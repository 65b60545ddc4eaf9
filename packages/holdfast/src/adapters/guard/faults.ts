import { CODES, type Code } from '../../core/errors.ts'

/**
 * A fault of the engine, as the cause of a refusal. It never expires a cookie: nothing was decided
 * about the session.
 */
export interface Fault {
  readonly ok: false
  readonly code: Code
  readonly detail?: string
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
 * The coded fault that was thrown; everything else is thrown again. It goes by the code and not by
 * the class, because two copies of the library in one process have two classes.
 */
export function faultOf(error: unknown): Fault {
  const code = faultCode(error)
  if (code === undefined) throw error
  const detail = code === 'invalid_input' && error instanceof Error ? error.message : undefined
  return { ok: false, code, ...(detail === undefined ? {} : { detail }) }
}

function faultCode(error: unknown): Code | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') {
    return undefined
  }
  const { code } = error
  return isCode(code) && CODES[code].kind === 'fault' ? code : undefined
}

function isCode(code: string): code is Code {
  return Object.hasOwn(CODES, code)
}
