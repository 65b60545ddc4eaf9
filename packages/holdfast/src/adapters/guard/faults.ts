import { CODES, type Code } from '../../core/errors.ts'

/** A fault of the engine as grounds for a refusal. It never takes a cookie away: nothing was decided about the session. */
export interface Fault {
  readonly ok: false
  readonly code: Code
  readonly detail?: string
}

/** Runs a call of the engine. Its coded faults become values; everything else is a bug and goes on as it came. */
export async function attempt<T>(call: () => Promise<T>): Promise<T | Fault> {
  try {
    return await call()
  } catch (error) {
    return faultOf(error)
  }
}

/** What was thrown, if it is a coded fault; else it is thrown again. By code, not by class: two copies of the library in one process share no class. */
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
