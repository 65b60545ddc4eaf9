import { printable } from 'holdfast/cli'

/**
 * Text of strangers in one line: no control or format characters (ANSI, line breaks, zero-width and
 * right-to-left marks), no half characters, at most so many code points.
 */
export function inert(text: string, most: number): string {
  // A code point has at most two units: no more of the text is looked at.
  const points = [...text.slice(0, 2 * most + 2)]
  const cut = points.length > most ? `${points.slice(0, most - 1).join('')}…` : points.join('')
  return printable(cut.replaceAll(/\p{Cs}/gu, '\u00b7'))
}

/**
 * The same without what mail programs and chats make a link of: `https://evil.example` becomes
 * `https[:]//evil[.]example`. Version numbers and IPv4 addresses stay as they are.
 */
export function unlinked(text: string): string {
  return text.replaceAll('://', '[:]//').replaceAll(/(?<=[\p{L}\p{N}-])\.(?=\p{L})/gu, '[.]')
}

/** For the content of elements and for attributes in double quotes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"'`]/g, (letter) => `&#${letter.charCodeAt(0)};`)
}
