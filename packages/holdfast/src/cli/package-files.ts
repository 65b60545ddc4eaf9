import { readFileSync } from 'node:fs'

/** Two folders up from the sources, and from what is built of them. */
const PACKAGE = new URL('../../', import.meta.url)

/** A file that `init` writes, as it lies in the package. */
export function template(name: string): string {
  return readFileSync(new URL(`templates/${name}.ts`, PACKAGE), 'utf8')
}

/** The package.json of the library. */
export const MANIFEST: URL = new URL('package.json', PACKAGE)
