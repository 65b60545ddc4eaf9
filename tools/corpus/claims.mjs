import { claimsText } from './json.mjs'
import {
  AUDIENCE,
  accept,
  CLAIMS,
  ISSUER,
  NOW,
  reject,
  SESSION,
  SKEW,
  token,
  without,
} from './tokens.mjs'

export function edgesOfTime({ EdDSA }) {
  const at = (changed) => token(EdDSA, { claims: changed })
  return [
    accept('exp within the skew', at({ exp: NOW - SKEW + 1 }), 'now is before exp + skew'),
    reject('exp at the skew', at({ exp: NOW - SKEW }), 'now must be before exp + skew'),
    reject('exp long ago', at({ exp: NOW - 3600 }), 'expired'),
    accept('nbf at the skew', at({ nbf: NOW + SKEW }), 'nbf - skew is now'),
    reject('nbf beyond the skew', at({ nbf: NOW + SKEW + 1 }), 'not yet valid'),
    accept('iat at the skew', at({ iat: NOW + SKEW }), 'iat - skew is now'),
    reject('iat beyond the skew', at({ iat: NOW + SKEW + 1 }), 'issued in the future'),
    accept('auth_time at the skew', at({ auth_time: NOW + SKEW }), 'auth_time - skew is now'),
    reject(
      'auth_time beyond the skew',
      at({ auth_time: NOW + SKEW + 1 }),
      'proved in the future, and fresh for ever',
    ),
    reject('exp missing', token(EdDSA, without('exp')), 'a token without an end'),
    reject('iat missing', token(EdDSA, without('iat')), 'required by RFC 9068'),
    reject('exp null', at({ exp: null }), 'not a time'),
    reject('exp a string', at({ exp: String(CLAIMS.exp) }), 'not a number'),
    reject('exp a fraction', at({ exp: NOW + 80.5 }), 'times of this profile are whole seconds'),
    reject('exp true', at({ exp: true }), 'not a number, though some languages count with it'),
    reject('exp negative', at({ exp: -1 }), 'expired'),
    reject(
      'exp beyond exact numbers',
      token(EdDSA, { claims: claimsText(['"exp":9007199254740993'], ['exp']) }),
      'languages read different numbers above 2^53 - 1',
    ),
    reject(
      'exp beyond all numbers',
      token(EdDSA, { claims: claimsText(['"exp":1e400'], ['exp']) }),
      'some languages read infinity',
    ),
    reject(
      'exp Infinity',
      token(EdDSA, { claims: claimsText(['"exp":Infinity'], ['exp']) }),
      'not JSON, though some parsers read it',
    ),
    reject('nbf a string', at({ nbf: 'now' }), 'not a number'),
    reject('auth_time a string', at({ auth_time: '0' }), 'not a number'),
  ]
}

export function sensitivities({ EdDSA }) {
  const judged = (sensitivity) => token(EdDSA, { claims: { sensitivity } })
  const asks = { sensitivity: 'sensitive' }
  const why = 'the request was not judged as a sensitive one'
  return [
    accept('judged as sensitive, and asked for', judged('sensitive'), 'what the route asks', asks),
    accept('judged as sensitive, and not asked for', judged('sensitive'), 'more than is asked'),
    accept('judged as something new, and not asked for', judged('extreme'), 'nobody asks'),
    reject('not said to be sensitive, and asked for', token(EdDSA), why, asks),
    reject('judged as normal, and sensitive asked for', judged('normal'), why, asks),
    reject('judged as Sensitive, and sensitive asked for', judged('Sensitive'), why, asks),
    reject('judged as sensitive with a space', judged('sensitive '), why, asks),
    reject('judged as nothing, and sensitive asked for', judged(''), why, asks),
    reject('sensitivity a list', judged(['sensitive']), 'a string', asks),
    reject('sensitivity true', judged(true), 'a string'),
    reject('sensitivity null', judged(null), 'a string'),
    reject(
      'sensitivity in capitals',
      token(EdDSA, { claims: { SENSITIVITY: 'sensitive' } }),
      'names are exact',
      asks,
    ),
  ]
}

export function claims({ EdDSA }) {
  const set = (changed) => token(EdDSA, { claims: changed })
  const raw = (text) => token(EdDSA, { claims: text })
  const missing = ['iss', 'aud', 'sub', 'sid', 'jti', 'client_id', 'gen']
  const strings = ['iss', 'sub', 'sid', 'jti', 'client_id']
  return [
    ...missing.map((name) => reject(`${name} missing`, token(EdDSA, without(name)), 'required')),
    ...strings.map((name) => reject(`${name} empty`, set({ [name]: '' }), 'required')),
    ...strings.map((name) => reject(`${name} a number`, set({ [name]: 7 }), 'a string')),
    reject('iss with a slash at the end', set({ iss: `${ISSUER}/` }), 'compared exactly'),
    reject('iss in capitals', set({ iss: 'https://AUTH.example' }), 'compared exactly'),
    reject('iss of somebody else', set({ iss: 'https://evil.example' }), 'compared exactly'),
    reject('iss an array', set({ iss: [ISSUER] }), 'a string'),
    reject(
      'iss under another name',
      raw(claimsText([`"ISS":"${ISSUER}"`], ['iss'])),
      'names are exact',
    ),
    reject('aud of another service', set({ aud: 'catalogue' }), 'not for us'),
    reject('aud in capitals', set({ aud: 'Orders' }), 'compared exactly'),
    reject('aud a part of ours', set({ aud: 'order' }), 'compared whole'),
    reject('aud with ours inside', set({ aud: 'orders-admin' }), 'compared whole'),
    reject('aud empty', set({ aud: '' }), 'not for us'),
    reject('aud an empty array', set({ aud: [] }), 'not for us'),
    reject('aud an array of others', set({ aud: ['catalogue', 'shipping'] }), 'not for us'),
    reject('aud an array in an array', set({ aud: [[AUDIENCE]] }), 'strings alone'),
    reject('aud with something that is no string', set({ aud: [AUDIENCE, 1] }), 'strings alone'),
    reject('aud an object', set({ aud: { orders: true } }), 'a string or strings'),
    reject('sid of 42 characters', set({ sid: SESSION.slice(1) }), 'the form of a session id'),
    reject('sid of 44 characters', set({ sid: `${SESSION}A` }), 'the form of a session id'),
    reject('sid with a foreign letter', set({ sid: `+${SESSION.slice(1)}` }), 'base64url'),
    reject(
      'sid with stray bits',
      set({ sid: `${SESSION.slice(0, -1)}B` }),
      'one spelling for each id',
    ),
    reject('gen a string', set({ gen: '1' }), 'an integer'),
    reject('gen a fraction', set({ gen: 1.5 }), 'an integer'),
    reject('gen negative', set({ gen: -1 }), 'an integer from 0'),
    reject(
      'gen beyond exact numbers',
      raw(claimsText(['"gen":9007199254740993'], ['gen'])),
      'an integer up to 2^53 - 1',
    ),
    reject('acr a number', set({ acr: 2 }), 'a string'),
    reject('amr a string', set({ amr: 'pwd' }), 'strings'),
    reject('amr with something that is no string', set({ amr: ['pwd', 1] }), 'strings'),
    reject(
      'exp twice, expired last',
      raw(claimsText([`"exp":${NOW - 60}`])),
      'refused, or the last one counts (RFC 7519, section 4)',
    ),
    reject(
      'exp expired, and EXP to come',
      raw(claimsText([`"exp":${NOW - 60}`, `"EXP":${NOW + 80}`], ['exp'])),
      'names are exact, though some parsers fold their case',
    ),
    reject('claims not JSON', raw('sub=ada'), 'claims'),
    reject('claims empty', raw(' '), 'claims'),
    reject('claims an array', raw(JSON.stringify([CLAIMS])), 'claims are an object'),
    reject('claims a string', raw(JSON.stringify(JSON.stringify(CLAIMS))), 'claims are an object'),
    reject('claims null', raw('null'), 'claims are an object'),
    reject('claims followed by more', raw(`${JSON.stringify(CLAIMS)}{}`), 'claims are one object'),
    reject('claims with a comma at the end', raw(claimsText([]).replace(/\}$/, ',}')), 'not JSON'),
    reject(
      'claims with NaN',
      raw(claimsText(['"x":NaN'])),
      'not JSON, though some parsers read it',
    ),
    reject(
      'claims in UTF-16',
      raw(Buffer.from(JSON.stringify(CLAIMS), 'utf16le')),
      'JSON is UTF-8',
    ),
  ]
}
