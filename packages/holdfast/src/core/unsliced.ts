/**
 * A copy of a text that is to be remembered. V8 cuts a text without copying it, and a piece keeps
 * all of it in memory, as a header with the token in it.
 */
export function unsliced(text: string): string {
  return [...text].join('')
}
