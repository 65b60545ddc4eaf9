const SPACE = 32
const TAB = 9
const EQUALS = 61

/**
 * Finds the values of one cookie in a `Cookie` header without parsing the others (RFC 6265, section
 * 5.4). The name is case-sensitive: `__HOST-session` is another cookie, and anybody may have
 * planted it. At most two values are returned, because callers refuse more than one.
 */
export function scanCookies(text: string, name: string): readonly string[] {
  let values: string[] | undefined
  const first = name.charCodeAt(0)
  for (let start = 0; start >= 0; ) {
    const end = text.indexOf(';', start)
    let at = start
    let letter = text.charCodeAt(at)
    while (letter === SPACE || letter === TAB) letter = text.charCodeAt(++at)
    const equals = at + name.length
    if (letter === first && text.charCodeAt(equals) === EQUALS && text.startsWith(name, at)) {
      const value = text.slice(equals + 1, end < 0 ? text.length : end).trim()
      if (values === undefined) values = [value]
      else return [...values, value]
    }
    start = end < 0 ? end : end + 1
  }
  return values ?? NONE
}

const NONE: readonly string[] = []
