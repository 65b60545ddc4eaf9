import { SessionError } from '../core/errors.ts'

/** A package that is needed for one kind of factor only: who does not use it does without it. */
export async function peer<Library>(
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
