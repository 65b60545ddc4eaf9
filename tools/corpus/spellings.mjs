import { accept, MAX_CHARS, reject, token } from './tokens.mjs'

export function spellings({ EdDSA, ES256 }) {
  const good = token(EdDSA)
  const [head, body, signature] = good.split('.')
  return [
    reject('nothing at all', '', 'not three parts'),
    reject('two dots and nothing else', '..', 'empty parts'),
    reject('two parts', `${head}.${body}`, 'not three parts'),
    reject('four parts', `${good}.`, 'not three parts'),
    reject(
      'five parts',
      `${good}.${body}.${signature}`,
      'not three parts: encrypted tokens are not in use',
    ),
    reject('no claims', `${head}..${signature}`, 'detached payloads are not in use'),
    reject('padding after the signature', `${good}==`, 'base64url without padding'),
    reject(
      'padding after the header',
      `${head}=.${body}.${signature}`,
      'base64url without padding',
    ),
    reject('standard alphabet', standardAlphabet(ES256), 'base64url, not base64'),
    reject('space before', ` ${good}`, 'base64url alone'),
    reject('space after', `${good} `, 'base64url alone'),
    reject('line feed after', `${good}\n`, 'base64url alone'),
    reject(
      'line feed within',
      `${head}.${body.slice(0, 20)}\n${body.slice(20)}.${signature}`,
      'base64url alone',
    ),
    reject('zero byte within', `${head}.${body}\u0000.${signature}`, 'base64url alone'),
    reject(
      'letter beyond ASCII',
      `${head}.${body}.${signature.slice(0, -1)}\u00e9`,
      'base64url alone',
    ),
    reject(
      'stray bits in the last letter',
      straySignature(head, body, signature),
      'one spelling for each token',
    ),
    reject(
      'length of 1 modulo 4',
      `${head}.${body}.${signature}AAA`,
      'no bytes have this spelling',
    ),
    reject(
      'JSON serialization',
      JSON.stringify({ protected: head, payload: body, signature }),
      'compact form alone',
    ),
    reject('with the scheme in front', `Bearer ${good}`, 'the token alone'),
    reject(
      `more than ${MAX_CHARS} characters`,
      token(EdDSA, { claims: { pad: 'x'.repeat(MAX_CHARS) } }),
      'bounded before anything is parsed',
    ),
    reject('thousands of dots', '.'.repeat(9000), 'bounded before anything is parsed'),
    accept('nearly as long as may be', longToken(EdDSA), `at most ${MAX_CHARS} characters`),
  ]
}

/** Spelled with + and / where base64url has - and _: signed anew until the signature has one. */
function standardAlphabet(key) {
  for (;;) {
    const made = token(key)
    if (/[-_]/.test(made)) return made.replaceAll('-', '+').replaceAll('_', '/')
  }
}

/** 64 bytes end in a letter with four unused bits. */
function straySignature(head, body, signature) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(signature.at(-1))
  return `${head}.${body}.${signature.slice(0, -1)}${alphabet[last | 1]}`
}

function longToken(key) {
  let made = token(key)
  for (let size = 5000; ; size++) {
    const next = token(key, { claims: { pad: 'x'.repeat(size) } })
    if (next.length > MAX_CHARS) return made
    made = next
  }
}
