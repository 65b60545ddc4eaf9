import { createHash } from 'node:crypto'
import { escapeHtml } from '../inert-text.ts'

/** One page of the links of notices. */
export interface PageContent {
  readonly title: string
  readonly text: string
  /** Of the form, where there is one. */
  readonly button?: string
  readonly form?: { readonly path: string; readonly token: string }
  /** Why nothing happened. */
  readonly code?: string
}

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}' +
  'button{font:inherit;padding:.6rem 1rem;border:0;border-radius:4px;background:#1d4ed8;color:#fff}'

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/** The page, and what its browser may do: show it, and send its form to where it came from. */
export function noticePage(content: PageContent): {
  readonly html: string
  readonly policy: string
} {
  return { html: htmlOf(content), policy: POLICY }
}

const POLICY =
  `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; ` +
  "base-uri 'none'; frame-ancestors 'none'"

function htmlOf({ title, text, button, form, code }: PageContent): string {
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    `<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>`,
    `<h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p>`,
    ...(form === undefined || button === undefined
      ? []
      : [
          `<form method="post" action="${escapeHtml(form.path)}">`,
          `<input type="hidden" name="t" value="${escapeHtml(form.token)}">`,
          `<button>${escapeHtml(button)}</button></form>`,
        ]),
    ...(code === undefined ? [] : [`<p><small>Code: ${escapeHtml(code)}</small></p>`]),
    '</body></html>',
    '',
  ].join('\n')
}
