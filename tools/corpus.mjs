import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { accepted } from './corpus/accepted.mjs'
import { algorithms } from './corpus/algorithms.mjs'
import { claims, edgesOfTime, sensitivities } from './corpus/claims.mjs'
import { headers, headersThatBringKeys, keyIds } from './corpus/headers.mjs'
import { readersOfJson } from './corpus/json.mjs'
import { signatures } from './corpus/signatures.mjs'
import { spellings } from './corpus/spellings.mjs'
import { AUDIENCE, ISSUER, MAX_CHARS, NOW, newKeys, publicKeys, SKEW } from './corpus/tokens.mjs'
import { isMain, root } from './run.mjs'

const FILE = join(root, 'clients', 'corpus', 'access-tokens.json')

/**
 * Access tokens with the verdict that every verifier owes them, in whatever language it is written.
 * The keys are new at each call and only their public halves leave it; names, verdicts and claims
 * are the same.
 */
export function corpus() {
  const keys = newKeys()
  return {
    description:
      'Access tokens and the verdict that a verifier owes each of them. Verify with the issuer, ' +
      'the audience, the clock (seconds) and the skew given here, and with the key set as it ' +
      'is: it holds keys that no verifier may use. A case with a sensitivity is one of a route ' +
      'that asks for it.',
    issuer: ISSUER,
    audience: AUDIENCE,
    now: NOW,
    skewSeconds: SKEW,
    maxCharacters: MAX_CHARS,
    jwks: { keys: publicKeys(keys) },
    cases: [
      ...accepted(keys),
      ...edgesOfTime(keys),
      ...algorithms(keys),
      ...headersThatBringKeys(keys),
      ...keyIds(keys),
      ...headers(keys),
      ...signatures(keys),
      ...spellings(keys),
      ...claims(keys),
      ...sensitivities(keys),
      ...readersOfJson(keys),
    ],
  }
}

if (isMain(import.meta.url)) {
  mkdirSync(dirname(FILE), { recursive: true })
  const made = corpus()
  writeFileSync(FILE, `${JSON.stringify(made, null, 2)}\n`)
  process.stdout.write(`${made.cases.length} cases in ${FILE}\n`)
}
