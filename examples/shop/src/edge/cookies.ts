/** The first cookie of this name in a Cookie header. */
export function readCookie(header: string, name: string): string | undefined {
  return pairs(header).find(([key]) => key === name)?.[1]
}

/** The header without the cookies of these names; everything else stays byte for byte. */
export function withoutCookies(header: string, names: readonly string[]): string {
  return pairs(header)
    .filter(([key]) => !names.includes(key))
    .map(([key, value]) => `${key}=${value}`)
    .join('; ')
}

/** The header with every cookie of this name rewritten. */
export function mapCookie(header: string, name: string, map: (value: string) => string): string {
  return pairs(header)
    .map(([key, value]) => `${key}=${key === name ? map(value) : value}`)
    .join('; ')
}

function pairs(header: string): (readonly [string, string])[] {
  return header
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const equals = part.indexOf('=')
      return equals < 0
        ? ([part, ''] as const)
        : ([part.slice(0, equals), part.slice(equals + 1)] as const)
    })
}
