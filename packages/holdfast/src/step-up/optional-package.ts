import { SessionError } from '../core/errors.ts'

/** Loads a package that one kind of factor needs. Throws `config_invalid` where it is absent. */
export async function optionalPackage<Library>(
  load: () => Promise<Library>,
  { whatFor, name }: { readonly whatFor: string; readonly name: string },
): Promise<Library> {
  try {
    return await load()
  } catch (cause) {
    const message = `${whatFor} need the package ${name}. Install it beside holdfast.`
    throw new SessionError('config_invalid', message, { cause })
  }
}
