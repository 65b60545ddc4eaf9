/**
 * Text that others have chosen, made harmless for whatever shows a log: what moves a terminal's
 * cursor, ends a line, turns text round or cannot be seen is written as its code point (`\u{1b}`),
 * and halves of surrogate pairs become U+FFFD, because receivers refuse a whole batch for one. Text
 * of more than `most` UTF-16 units is cut, with an ellipsis at its end. Tokens are taken out: a
 * client may have put one where a name or an id belongs.
 */
export function plainText(text: string, most: number): string {
  // Enough behind the cut that a token is seen whole.
  const start = text.slice(0, most + 512)
  const clean = start
    .replace(TOKEN, '[token]')
    .replace(LONE_SURROGATE, '\ufffd')
    .replace(UNSEEN, codePoint)
  if (clean.length <= most && start.length === text.length) return clean
  return `${clean.slice(0, most - 1).replace(PART_AT_CUT, '')}…`
}

/** Session and refresh tokens, and JSON Web Tokens. */
const TOKEN = /hf1\.[\w-]+(?:\.[\w-]*)?|eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?/g

/** With the flag `u` a whole pair is one character, which this does not match. */
const LONE_SURROGATE = /\p{Cs}/gu

/** Controls, marks of direction, invisible joiners and tags, separators of lines and paragraphs. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** The beginning of a code point's text, or half of a pair. */
const PART_AT_CUT = /(?:\\(?:u(?:\{[0-9a-f]{0,5})?)?|[\ud800-\udbff])$/

function codePoint(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`
}
