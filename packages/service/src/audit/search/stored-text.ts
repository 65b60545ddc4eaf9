/**
 * Text as the tables have it. SQL text ends at a NUL or refuses it: without this, the name of one
 * subject could be the beginning of another's. No two texts are stored alike.
 */
export function storedText(text: string): string {
  if (!text.includes('\0') && !text.includes('\\')) return text
  return text.replaceAll('\\', '\\\\').replaceAll('\0', '\\0')
}

/** What {@link storedText} stored. */
export function shownText(stored: string): string {
  if (!stored.includes('\\')) return stored
  return stored.replaceAll(/\\(.)/gs, (_, letter: string) => (letter === '0' ? '\0' : letter))
}
