const SEMICOLON = 59
const SPACE = 32
const TAB = 9
const EQUALS = 61

/**
 * Finds the values of one cookie in a `Cookie` header without parsing the others (RFC 6265, section
 * 5.4). The name is case-sensitive: `__HOST-session` is another cookie, and anybody may have
 * planted it. At most two values are returned, because callers refuse more than one.
 */
export function scanCookies(text: string, name: string): readonly string[] {
  const values: string[] = []
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + name.length)) {
    const equals = at + name.length
    if (text.charCodeAt(equals) !== EQUALS || !startsPair(text, at)) continue
    const end = text.indexOf(';', equals)
    values.push(text.slice(equals + 1, end < 0 ? text.length : end).trim())
    if (values.length === 2) break
  }
  return values
}

function startsPair(text: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && (text.charCodeAt(before) === SPACE || text.charCodeAt(before) === TAB)) {
    before--
  }
  return before < 0 || text.charCodeAt(before) === SEMICOLON
}
