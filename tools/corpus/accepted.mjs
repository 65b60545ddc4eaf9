import { highS } from './signatures.mjs'
import { AUDIENCE, accept, token } from './tokens.mjs'

export function accepted(keys) {
  const { EdDSA, ES256, RS256 } = keys
  return [
    accept('EdDSA', token(EdDSA), 'valid'),
    accept('ES256', token(ES256), 'valid'),
    accept('RS256', token(RS256), 'valid'),
    accept(
      'aud as an array of one',
      token(EdDSA, { claims: { aud: [AUDIENCE] } }),
      'RFC 7519, 4.1.3',
    ),
    accept(
      'aud as an array with others',
      token(EdDSA, { claims: { aud: ['catalogue', AUDIENCE] } }),
      'RFC 7519, 4.1.3: one of them is ours',
    ),
    accept(
      'typ application/at+jwt',
      token(EdDSA, { header: { typ: 'application/at+jwt' } }),
      'RFC 9068, section 4 names both forms',
    ),
    accept(
      'typ in capitals',
      token(EdDSA, { header: { typ: 'AT+JWT' } }),
      'names of media types have no case (RFC 7515, 4.1.9)',
    ),
    accept(
      'without the claims that may be absent',
      token(EdDSA, { claims: { auth_time: undefined, acr: undefined, amr: undefined } }),
      'auth_time, acr and amr are optional (RFC 9068, 2.2.1)',
    ),
    accept(
      'with claims that nobody asked for',
      token(EdDSA, { claims: { tid: 'tenant-7', scope: 'orders:read' } }),
      'unknown claims are ignored (RFC 7519, section 4)',
    ),
    accept(
      'ES256 with s in the upper half of the order',
      highS(token(ES256), true),
      'RFC 7518 asks for no low s. The other half is a second spelling of the same signature, ' +
        'not a forgery; nothing here tells tokens apart by their bytes',
    ),
    accept(
      'ES256 with s in the lower half of the order',
      highS(token(ES256), false),
      'as its twin',
    ),
  ]
}
