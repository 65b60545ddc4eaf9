/** Text that is markup already. Everything else that goes into a page is escaped. */
export interface Html {
  readonly markup: string
}

type Part = Html | string | number | null | undefined | false | readonly Part[]

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Template tag: values are escaped, lists joined, `null`, `undefined` and `false` left out. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let markup = texts[0] ?? ''
  for (const [index, part] of parts.entries()) markup += render(part) + (texts[index + 1] ?? '')
  return { markup }
}

function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => ESCAPES[letter] ?? letter)
}

function render(part: Part): string {
  if (part === null || part === undefined || part === false) return ''
  if (typeof part === 'string' || typeof part === 'number') return escapeMarkup(String(part))
  if ('markup' in part) return part.markup
  return part.map(render).join('')
}
