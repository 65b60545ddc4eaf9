import { existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import { root } from '../run.mjs'

const LIBRARY = 'packages/holdfast/src'
const TESTS = 'packages/holdfast/test'

/**
 * The files that decide who gets in, with the tests that speak of each: a test file or a folder
 * below `packages/holdfast/test`. The fewer tests a file has, the sooner its mutants are through.
 */
const NAMED = {
  'core/constant-time.ts': ['core/constant-time.test.ts'],
  'core/context.ts': ['core/context.test.ts'],
  'core/decision.ts': ['core/decision.test.ts'],
  'core/evidence.ts': ['core/decision.test.ts'],
  'core/lifetimes.ts': ['core/lifetimes.test.ts'],
  'core/rotation.ts': ['core/rotation.test.ts', 'engine/rotation.test.ts'],
  'core/token.ts': ['core/token.test.ts'],
  'policies/threshold.ts': ['policies'],
  'engine/judging/contexts.ts': ['engine/contexts.test.ts'],
  'codecs/keyring.ts': ['codecs/keyring.test.ts'],
  'network/client-address.ts': ['network/client-address.test.ts'],
  'network/trusted-proxies.ts': ['network/client-address.test.ts'],
  'carriers/cookie.ts': ['carriers/cookie.test.ts'],
  'carriers/csrf.ts': ['carriers/csrf.test.ts'],
  'tokens/access-claims.ts': ['tokens/access-claims.test.ts'],
  'tokens/requirements.ts': ['tokens/requirements.test.ts'],
  'tokens/verification-key.ts': ['tokens/verification-key.test.ts'],
  'tokens/verify-access-token.ts': ['tokens/verify-access-token.test.ts'],
}

/** What is looked at when nothing is named, as paths from the root of the repository. */
export const SECURITY_CRITICAL = Object.keys(NAMED).map((path) => posix.join(LIBRARY, path))

/** Patterns of the tests of one source file: its own where they are named, else its folder's. */
export function testsFor(file) {
  const named = NAMED[posix.relative(LIBRARY, file)]
  if (named !== undefined) return named.map((path) => pattern(posix.join(TESTS, path)))
  const [, part, inside] = /^(packages\/[^/]+|examples\/[^/]+)\/src\/(.+)$/.exec(file) ?? []
  if (part === undefined) return []
  const folders = dirsOf(inside).map((folder) => posix.join(part, 'test', folder))
  const nearest = folders.find((folder) => existsSync(join(root, folder)))
  return nearest === undefined ? [] : [pattern(nearest)]
}

/** `a/b/c.ts` -> `a/b`, `a`, and the folder of all tests. */
function dirsOf(inside) {
  const parts = posix.dirname(inside).split('/')
  return [...parts.map((_, at) => parts.slice(0, parts.length - at).join('/')), '.']
}

function pattern(path) {
  return path.endsWith('.test.ts') ? path : `${path}/**/*.test.ts`
}
