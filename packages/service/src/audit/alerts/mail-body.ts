import { escapeHtml } from './inert-text.ts'

/** What a mail says. Text alone: each form of it is written from the same words. */
export interface MailContent {
  readonly title: string
  readonly paragraphs: readonly string[]
  readonly facts: readonly (readonly [name: string, value: string])[]
  readonly list: readonly string[]
  readonly links: readonly { readonly text: string; readonly href: string }[]
  readonly footer: string
}

/** The same mail as text and as HTML without images, scripts and remote content. */
export function mailBody(content: MailContent): { readonly text: string; readonly html: string } {
  return { text: textOf(content), html: htmlOf(content) }
}

function textOf({ title, paragraphs, facts, list, links, footer }: MailContent): string {
  const width = Math.max(0, ...facts.map(([name]) => name.length)) + 2
  const parts = [
    title,
    ...paragraphs,
    facts.map(([name, value]) => `${`${name}:`.padEnd(width)}${value}`).join('\n'),
    list.map((line) => `- ${line}`).join('\n'),
    ...links.map(({ text, href }) => `${text}:\n${href}`),
    footer,
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function htmlOf({ title, paragraphs, facts, list, links, footer }: MailContent): string {
  const rows = facts.map(
    ([name, value]) =>
      `<tr><th align="left" style="padding:2px 16px 2px 0;color:#555;font-weight:normal">` +
      `${escapeHtml(name)}</th><td style="padding:2px 0">${escapeHtml(value)}</td></tr>`,
  )
  const buttons = links.map(
    ({ text, href }) =>
      `<p><a href="${escapeHtml(href)}" style="display:inline-block;padding:10px 16px;` +
      `background:#1d4ed8;color:#ffffff;text-decoration:none;border-radius:4px">` +
      `${escapeHtml(text)}</a></p>`,
  )
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    '<meta name="format-detection" content="telephone=no,date=no,address=no,email=no">',
    `<title>${escapeHtml(title)}</title></head>`,
    '<body style="margin:0;padding:24px;color:#111;background:#fff;' +
      'font:16px/1.5 system-ui,-apple-system,Segoe UI,sans-serif">',
    '<div style="max-width:560px;margin:0 auto">',
    `<h1 style="font-size:20px;margin:0 0 16px">${escapeHtml(title)}</h1>`,
    ...paragraphs.map((text) => `<p>${escapeHtml(text)}</p>`),
    ...(rows.length === 0 ? [] : ['<table role="presentation">', ...rows, '</table>']),
    ...(list.length === 0
      ? []
      : ['<ul>', ...list.map((line) => `<li>${escapeHtml(line)}</li>`), '</ul>']),
    ...buttons,
    `<p style="color:#555;font-size:14px">${escapeHtml(footer)}</p>`,
    '</div></body></html>',
    '',
  ].join('\n')
}
