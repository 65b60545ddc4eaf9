const MAX_LENGTH = 2048

/**
 * A path of this site, safe to redirect to after a login or a step-up; `/` for everything else: absolute addresses,
 * `//host`, backslashes and control characters (which browsers read as slashes or leave out), and more than 2048 characters.
 *
 * @example
 * response.redirect(303, ownPath(request.query.return))
 */
export function ownPath(text: unknown): string {
  if (typeof text !== 'string' || text.length > MAX_LENGTH) return '/'
  return text.startsWith('/') && !text.startsWith('//') && isPlain(text) ? text : '/'
}

function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code <= 0x20 || code >= 0x7f || code === 0x5c) return false
  }
  return true
}
