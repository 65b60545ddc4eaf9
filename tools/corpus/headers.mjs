import { CLAIMS, part, reject, token } from './tokens.mjs'

export function headersThatBringKeys({ stranger }) {
  const jwk = stranger.publicKey.export({ format: 'jwk' })
  const der = stranger.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const url = 'http://127.0.0.1:9/keys.json'
  const brings = {
    'a jwk': { jwk },
    'a jwk under an unknown key id': { jwk, kid: 'mine' },
    'a jku': { jku: url },
    'an x5u': { x5u: url },
    'an x5c': { x5c: [der] },
    'jwk, jku, x5u and x5c without a key id': {
      jwk,
      jku: url,
      x5u: url,
      x5c: [der],
      kid: undefined,
    },
  }
  return Object.entries(brings).map(([what, header]) =>
    reject(`brings ${what}`, token(stranger, { header }), 'keys come from the key set alone'),
  )
}

export function keyIds({ EdDSA, ES256, sealing, short, unnamed, unused, exponent3, offCurve }) {
  const named = (kid) => token(EdDSA, { header: { kid } })
  return [
    reject('kid missing', named(undefined), 'no key is tried at random'),
    reject('kid empty', named(''), 'unknown'),
    reject('kid unknown', named('ed-2'), 'unknown'),
    reject('kid in capitals', named('ED-1'), 'compared exactly'),
    reject('kid with a space', named('ed-1 '), 'compared exactly'),
    reject(
      'kid of another key of another algorithm',
      named('es-1'),
      'the key decides the algorithm',
    ),
    reject('kid a path', named('../../../../dev/null'), 'unknown; a kid is never a path'),
    reject('kid an SQL query', named("' UNION SELECT 'key' --"), 'unknown; a kid is never a query'),
    reject('kid an array', named(['ed-1']), 'a kid is a string'),
    reject('kid a number', named(1), 'a kid is a string'),
    reject('kid an object', named({ toString: 'ed-1' }), 'a kid is a string'),
    reject('kid null', named(null), 'a kid is a string'),
    ...['__proto__', 'constructor', 'hasOwnProperty'].map((kid) =>
      reject(`kid ${kid}`, named(kid), 'unknown; a table of keys has no ancestors'),
    ),
    reject('kid of 4000 letters', named('k'.repeat(4000)), 'unknown'),
    reject(
      'kid under another name',
      token(EdDSA, { header: { kid: undefined, KID: 'ed-1' } }),
      'exact',
    ),
    reject('key that seals', token(sealing), 'its use is enc'),
    reject('key of 1024 bits', token(short), 'RFC 7518, 3.3: 2048 bits or more'),
    reject('key that names no algorithm', token(unnamed), 'the key has to decide the algorithm'),
    reject('key that says no use', token(unused), 'the set of an authority says what each is for'),
    reject('key of the exponent 3', token(exponent3), '65537 alone'),
    reject('key off the curve', token(offCurve), 'not a point of P-256'),
    reject(
      'key of another signature',
      `${token(ES256).split('.').slice(0, 2).join('.')}.${token(EdDSA).split('.')[2]}`,
      'signature',
    ),
  ]
}

export function headers({ EdDSA }) {
  const head = (header) => token(EdDSA, { header })
  return [
    reject('typ JWT', head({ typ: 'JWT' }), 'another kind of token (RFC 9068, section 4)'),
    reject('typ missing', head({ typ: undefined }), 'another kind of token'),
    reject('typ id_token', head({ typ: 'id_token+jwt' }), 'another kind of token'),
    reject('typ text/at+jwt', head({ typ: 'text/at+jwt' }), 'another media type'),
    reject('typ with a parameter', head({ typ: 'at+jwt; v=1' }), 'compared whole'),
    reject('typ an array', head({ typ: ['at+jwt'] }), 'a string'),
    reject('crit that nobody knows', head({ crit: ['x'], x: 1 }), 'RFC 7515, 4.1.11'),
    reject(
      'crit that names exp',
      head({ crit: ['exp'], exp: CLAIMS.exp }),
      'no extension is in use',
    ),
    reject('crit empty', head({ crit: [] }), 'RFC 7515, 4.1.11: never empty'),
    reject('crit null', head({ crit: null }), 'RFC 7515, 4.1.11'),
    reject('crit b64', head({ crit: ['b64'], b64: false }), 'RFC 7797 is not in use'),
    reject(
      'crit b64 that changes nothing',
      head({ crit: ['b64'], b64: true }),
      'no extension is in use',
    ),
    reject('b64 true without crit', head({ b64: true }), 'RFC 7797 is not in use'),
    reject('b64 false without crit', head({ b64: false }), 'two readers would read two payloads'),
    reject('header not JSON', token(EdDSA, { header: 'alg=EdDSA' }), 'header'),
    reject('header an array', token(EdDSA, { header: '["EdDSA"]' }), 'header'),
    reject('header null', token(EdDSA, { header: 'null' }), 'header'),
    reject('header empty', token(EdDSA, { header: '' }), 'header'),
    reject(
      'header followed by more',
      token(EdDSA, { header: '{"alg":"EdDSA","kid":"ed-1","typ":"at+jwt"}{}' }),
      'header',
    ),
    reject(
      'header with alg twice, none last',
      token(EdDSA, { header: '{"alg":"EdDSA","kid":"ed-1","typ":"at+jwt","alg":"none"}' }),
      'refused, or the last one counts (RFC 7515, section 4)',
    ),
    reject(
      'header nested 3000 deep',
      `${part(`${'['.repeat(3000)}${']'.repeat(3000)}`)}.${part(CLAIMS)}.${'A'.repeat(86)}`,
      'a reader that recurses must not fall over it',
    ),
    reject(
      'header in UTF-16',
      token(EdDSA, {
        header: Buffer.from('{"alg":"EdDSA","kid":"ed-1","typ":"at+jwt"}', 'utf16le'),
      }),
      'JSON of a JWS is UTF-8',
    ),
  ]
}
