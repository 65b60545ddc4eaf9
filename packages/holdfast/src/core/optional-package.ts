import { SessionError } from './errors.ts'

/** A package that an application installs beside this one, where it uses what needs it. */
export interface OptionalPackage {
  /** What needs it, as the beginning of "needs the package". */
  readonly whatFor: string
  readonly name: string
  /** The oldest version that will do. */
  readonly version: string
}

/** Loads it. Throws `config_invalid` where it is absent or does not load. */
export async function optionalPackage<Library>(
  load: () => Promise<Library>,
  about: OptionalPackage,
): Promise<Library> {
  try {
    return await load()
  } catch (cause) {
    throw notLoaded(about, cause)
  }
}

/** The same at once, by `require`. */
export function requiredPackage<Library>(load: () => Library, about: OptionalPackage): Library {
  try {
    return load()
  } catch (cause) {
    throw notLoaded(about, cause)
  }
}

function notLoaded({ whatFor, name, version }: OptionalPackage, cause: unknown): SessionError {
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const absent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
  const mend = absent ? `npm install ${name}@${version}` : 'it is there, and does not load'
  return new SessionError('config_invalid', `${whatFor} needs the package ${name}: ${mend}.`, {
    cause,
  })
}
