import { AUDIENCE, accept, CLAIMS, ISSUER, NOW, reject, token } from './tokens.mjs'

const WHOLE = 'a number is the double that is nearest to it, and a whole one here'

/** Where readers of JSON differ from each other (RFC 8259 leaves it to them). */
export function readersOfJson({ EdDSA }) {
  const raw = (text) => token(EdDSA, { claims: text })
  const instead = (name, text) => raw(claimsText([`"${name}":${text}`], [name]))
  const beside = (...members) => raw(claimsText(members))
  const header = (text) => token(EdDSA, { header: text })
  const head = (members) => `{"typ":"at+jwt","kid":"${EdDSA.kid}",${members}}`
  return [
    accept('exp with an exponent', instead('exp', '1.80000008e9'), WHOLE),
    accept('exp with a fraction of nothing', instead('exp', `${NOW + 80}.000`), WHOLE),
    accept(
      'exp with a fraction below all doubles',
      instead('exp', `${NOW + 80}.00000000000000001`),
      WHOLE,
    ),
    accept('nbf minus zero', beside('"nbf":-0'), 'it is zero'),
    accept('gen 2^53 - 1', instead('gen', '9007199254740991'), 'the greatest exact one'),
    accept('gen 2^53 - 1 with a fraction of nothing', instead('gen', '9007199254740991.0'), WHOLE),
    reject('gen 2^53', instead('gen', '9007199254740992'), 'its neighbour reads alike'),
    reject('gen 2^53 with an exponent', instead('gen', '9.007199254740992e15'), 'as 2^53'),
    reject('gen of 400 digits', instead('gen', '9'.repeat(400)), 'beyond all numbers'),
    reject('exp with a fraction and an exponent', instead('exp', '18000000805e-1'), 'not whole'),
    reject('exp with a zero in front', instead('exp', `0${NOW + 80}`), 'not JSON'),
    reject('exp with a plus in front', instead('exp', `+${NOW + 80}`), 'not JSON'),
    reject('exp with a point at the end', instead('exp', `${NOW + 80}.`), 'not JSON'),
    reject('exp in hex', instead('exp', '0x6b49d250'), 'not JSON'),
    reject('exp with underscores', instead('exp', '1_800_000_080'), 'not JSON'),
    accept('a number of 400 digits that nobody reads', beside(`"x":${'9'.repeat(400)}`), 'JSON'),
    accept('a number beyond all that nobody reads', beside('"x":1e400'), 'JSON'),

    accept('exp twice, the good one last', raw(`{"exp":1,${claimsText([]).slice(1)}`), 'the last'),
    accept('iss twice, ours last', raw(`{"iss":"x",${claimsText([]).slice(1)}`), 'the last counts'),
    reject('iss twice, ours first', beside('"iss":"https://evil.example"'), 'the last counts'),
    reject('aud twice, ours first', beside('"aud":"catalogue"'), 'the last counts'),
    accept('exp by escapes', raw(claimsText([`"\\u0065x\\u0070":${NOW + 80}`], ['exp'])), 'a name'),
    reject('exp twice, once by escapes', beside('"\\u0065xp":1'), 'the last counts'),
    accept('a member twice in a claim that nobody reads', beside('"x":{"a":1,"a":2}'), 'JSON'),
    accept(
      'header with alg twice, ours last',
      header(head('"alg":"none","alg":"EdDSA"')),
      'the last',
    ),

    accept('claims nested 32 deep', beside(`"x":${nested(31)}`), 'as deep as may be'),
    reject('claims nested 33 deep', beside(`"x":${nested(32)}`), 'at most 32'),
    reject('claims nested 2500 deep', beside(`"x":${nested(2_500)}`), 'at most 32'),
    reject(
      'claims nested 33 deep by objects',
      beside(`"x":${'{"x":'.repeat(32)}1${'}'.repeat(32)}`),
      'at most 32',
    ),
    accept('brackets in a string', beside(`"x":"${'[{'.repeat(50)}\\""`), 'no nesting'),
    reject('header nested 33 deep', header(head(`"alg":"EdDSA","x":${nested(32)}`)), 'at most 32'),

    ...[
      ['a byte that is none of UTF-8', [0xff]],
      ['an overlong form', [0xc0, 0x80]],
      ['half a pair in three bytes', [0xed, 0xa0, 0x80]],
      ['a letter that is cut off', [0xe2, 0x82]],
      ['a code point beyond all', [0xf4, 0x90, 0x80, 0x80]],
    ].flatMap(([what, bytes]) => [
      reject(
        `sub with ${what}`,
        raw(withBytes(claimsText(['"sub":"@"'], ['sub']), bytes)),
        'UTF-8',
      ),
      reject(
        `${what} in a claim that nobody reads`,
        raw(withBytes(claimsText(['"x":"@"']), bytes)),
        'UTF-8',
      ),
      reject(`${what} in a name`, raw(withBytes(claimsText(['"@":1']), bytes)), 'JSON is UTF-8'),
    ]),
    reject(
      'header with a byte that is none of UTF-8',
      header(withBytes(head('"alg":"EdDSA","x":"@"'), [0xff])),
      'UTF-8',
    ),
    reject(
      'claims behind a byte order mark',
      raw(`\ufeff${claimsText([])}`),
      'RFC 8259, section 8.1',
    ),
    reject('header behind a byte order mark', header(`\ufeff${head('"alg":"EdDSA"')}`), 'not JSON'),

    accept('sub with a pair of surrogates', instead('sub', '"\\ud83d\\ude00"'), 'a letter'),
    ...['sub', 'jti', 'client_id', 'acr', 'aud'].map((name) =>
      reject(
        `${name} with half a pair`,
        instead(name, name === 'aud' ? `["${AUDIENCE}","\\ud83d"]` : '"\\ud83d"'),
        'no text',
      ),
    ),
    reject('sub with a pair the wrong way round', instead('sub', '"\\ude00\\ud83d"'), 'no text'),
    reject('amr with half a pair', instead('amr', '["pwd","\\udead"]'), 'no text'),
    reject('tid with half a pair', beside('"tid":"x\\ud800y"'), 'no text'),
    accept('half a pair after a backslash that is one', instead('sub', '"\\\\ud83d"'), 'no escape'),
    accept('half a pair in a claim that nobody reads', beside('"x":"\\ud83d"'), 'nobody reads it'),
    reject('sub with a control character as it is', instead('sub', '"a\tb"'), 'not JSON'),

    ...['{}', '{"jkt":"abc"}', '{"x5t#S256":"abc"}', '{"jwk":{}}', '"abc"', '[]', '7', 'null'].map(
      (value) =>
        reject(
          `cnf ${value}`,
          beside(`"cnf":${value}`),
          'bound to a key (RFC 7800), of which no proof was seen',
        ),
    ),
    accept('cnf within another claim', beside('"x":{"cnf":{"jkt":"abc"}}'), 'it binds nothing'),
    accept('white space of every kind', raw(claimsText([]).replace('{', ' \t\r\n{\n')), 'JSON'),
    reject('white space that is none', raw(claimsText([]).replace('{', '{\u00a0')), 'not JSON'),
    reject('a comment', raw(claimsText([]).replace('{', '{/**/')), 'not JSON'),
    reject('single quotes', beside("'x':1"), 'not JSON'),
    reject(
      'iss of another spelling of the same letters',
      instead('iss', `"${ISSUER.replace('e', '\u0435')}"`),
      'compared exactly',
    ),
  ]
}

/** The claims as JSON text with members of the caller's own spelling. */
export function claimsText(members, leaveOut = []) {
  const kept = Object.entries(CLAIMS).filter(([name]) => !leaveOut.includes(name))
  const texts = kept.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
  return `{${[...texts, ...members].join(',')}}`
}

function nested(depth) {
  return `${'['.repeat(depth)}${']'.repeat(depth)}`
}

/** The text with bytes of any kind where it has an "@". */
function withBytes(text, bytes) {
  const [before, after] = text.split('@')
  return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)])
}
