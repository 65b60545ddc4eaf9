import { readFileSync } from 'node:fs'
import { keySet, verifier } from 'holdfast/tokens'
import { expect, test } from 'vitest'
import { type Corpus, corpus } from '../../../../tools/corpus.mjs'

const COMMITTED = new URL('../../../../clients/corpus/access-tokens.json', import.meta.url)

test.each<[string, () => Corpus]>([
  ['the committed corpus', () => JSON.parse(readFileSync(COMMITTED, 'utf8'))],
  ['the corpus signed anew', corpus],
])('every token of %s gets the verdict that it is owed', async (_name, read) => {
  const { cases, jwks, issuer, audience, now, skewSeconds } = read()
  const { verify } = verifier({
    issuer,
    audience,
    keys: keySet(jwks),
    skew: skewSeconds * 1_000,
    now: () => now * 1_000,
  })

  const said: string[] = []
  for (const { name, token, sensitivity } of cases) {
    const access = await verify(token, sensitivity === undefined ? {} : { sensitivity })
    const codes = /^access_token_(?:invalid|expired)$|^step_up_required$/
    if (!access.ok) expect(access.code).toMatch(codes)
    said.push(`${access.ok ? 'accept' : 'reject'} ${name}`)
  }

  expect(said).toEqual(cases.map(({ name, verdict }) => `${verdict} ${name}`))
})
