/** How applications read a path. */
export interface Reading {
  readonly name: string
  /** The path by which the application chooses its route. */
  read(target: string): string
}

/** Reads a path as it stands, in one pass of decoding. */
const strict: Reading = {
  name: 'strict',
  read: (target) => unescaped(target.split('?', 1)[0] ?? ''),
}

/**
 * Ignores case, decodes twice (overlong UTF-8, too), takes `\` for `/`, drops parameters behind
 * `;`, what follows a NUL and dots and spaces at the end of a segment, folds slashes and follows
 * dot segments. No application does all of it; each of it is done by some.
 */
const lenient: Reading = {
  name: 'lenient',
  read(target) {
    const decoded = unescaped(unescaped(target.split(/[?#]/, 1)[0] ?? ''))
    const [path = ''] = decoded
      .toLowerCase()
      .replaceAll('\\', '/')
      .split(/[?#\0]/, 1)
    const segments: string[] = []
    for (const part of path.split('/')) {
      const [text = ''] = part.split(';', 1)
      if (text === '..') segments.pop()
      else {
        const segment = text.replace(/[. ]+$/, '')
        if (segment !== '') segments.push(segment)
      }
    }
    return `/${segments.join('/')}`
  },
}

export const READINGS: readonly Reading[] = [strict, lenient]

const OVERLONG: readonly (readonly [RegExp, string])[] = [
  [/%(?:c0|e0%80|f0%80%80)%af/gi, '/'],
  [/%(?:c0|e0%80|f0%80%80)%ae/gi, '.'],
  [/%c1%9c/gi, '\\'],
]

/** Escapes that are none stay as they are. */
function unescaped(text: string): string {
  const short = OVERLONG.reduce((left, [pattern, value]) => left.replace(pattern, value), text)
  return short.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

/** Whether a route of the application is the one that the gateways guard as sensitive. */
export function isGuarded(path: string): boolean {
  return /^\/account(?:[/.]|$)/.test(path)
}

/** Whether it is one that anybody may read. */
export function isOpen(path: string): boolean {
  return path === '/news' || path.startsWith('/news/')
}

const NAMES = [
  ...['account', 'Account', 'ACCOUNT', 'aCCoUNT', 'accounT'],
  ...[...'account'].flatMap((letter, at) => {
    const around = (middle: string) =>
      `${'account'.slice(0, at)}${middle}${'account'.slice(at + 1)}`
    const lower = letter.charCodeAt(0).toString(16)
    const upper = letter.toUpperCase().charCodeAt(0).toString(16)
    return [`%${lower}`, `%${upper}`, `%25${lower}`, `%2525${lower}`, `%u00${lower}`].map(around)
  }),
]

const BEFORE = [
  '/',
  '//',
  '///',
  '/./',
  '/.//',
  '/%2e/',
  '/%2E/',
  '\\',
  '/\\',
  '%2f',
  '/%2f',
  '/%252f',
  '/%5c',
  '/%255C',
  '/;/',
  '/;a=1/',
  '/%3b/',
  '/%20/',
  '/%09/',
  '/%00/',
  '/news/../',
  '/news/..',
  '/news//../../',
  '/news/.%2e/',
  '/news/%2e%2e/',
  '/news/%2E%2E/',
  '/news/%252e%252e/',
  '/news/%252e%252e%252f',
  '/news/..%2f',
  '/news/..%2F',
  '/news/..%252f',
  '/news/..%5c',
  '/news/..\\',
  '/news\\..\\',
  '/news/..;/',
  '/news/..;a=b/',
  '/news/..%3b/',
  '/news;/../',
  '/news/x/../../',
  '/news/..%c0%af',
  '/news/%c0%ae%c0%ae/',
  '/news/%c0%ae%c0%ae%c0%af',
  '/news/..%e0%80%af',
  '/news/..%c1%9c',
  '/news/..%00/',
  '/news/../%2e/',
  '/News/../',
  '/api/../',
  '/api/%2e%2e/',
  '/api/..;/',
  '/api/..%2f',
  '/x/..%2f..%2f',
  'http://shop.localhost/',
  'http://shop.localhost//',
  'http://shop.localhost/news/../',
]

const AFTER = [
  '',
  '/',
  '/x',
  '//x',
  '/x?from=/news/',
  '/x#/news/',
  '?/news/',
  '#',
  ';a=1',
  ';a=1/x',
  ';/x',
  '%3ba=1/x',
  '%3Ba/x',
  '%2fx',
  '%2Fx',
  '%252fx',
  '\\x',
  '%5cx',
  '%5Cx',
  '%255cx',
  '%c0%afx',
  '/./x',
  '/.',
  '/..;/account/x',
  '/../account/x',
  '/%2e%2e/account',
  '.',
  './x',
  '.json',
  '.JSON',
  '%2ejson',
  '%20',
  '%20/x',
  '%20%20',
  '%00',
  '%00/x',
  '%00.css',
  '%2500',
  '%3fx',
  '%23x',
  '%253f',
  '%0a',
  '%0d%0a',
  '%7f',
  '%zz',
  '%',
  '/x%',
  '/%u002e',
]

/**
 * Request targets that a client may send to reach the guarded route: each way to begin, to write
 * the name and to go on, and every pair of two of them.
 */
export function spellings(): readonly string[] {
  const all = new Set<string>()
  for (const name of NAMES) for (const after of AFTER) all.add(`/${name}${after}`)
  for (const before of BEFORE) for (const name of NAMES) all.add(`${before}${name}/x`)
  for (const before of BEFORE) for (const after of AFTER) all.add(`${before}account${after}`)
  return [...all]
}

/** Targets by which a client tries to have another route taken for one that anybody may read. */
export function detours(): readonly string[] {
  const others = ['orders', 'Orders', 'admin/x', 'account', '%6frders']
  return BEFORE.flatMap((before) => others.map((other) => `${before}${other}`))
}
