import { linesOf } from '../alert-lines.ts'
import type { Post } from '../http-post.ts'
import type { Target } from '../target.ts'

const CARD = 'application/vnd.microsoft.card.adaptive'

/**
 * A workflow of Microsoft Teams that posts what its webhook gets: an Adaptive Card. All text stands
 * in `RichTextBlock`, where Markdown and mentions have no meaning.
 */
export function teams(post: Post): Target {
  return {
    deliver(alert, { signal }) {
      const { title, text, facts, timeline, command, link } = linesOf(alert)
      const bad = alert.severity === 'high' || alert.severity === 'critical'
      const content = {
        $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
        type: 'AdaptiveCard',
        version: '1.4',
        body: [
          block(title, {
            weight: 'Bolder',
            size: 'Medium',
            ...(bad ? { color: 'Attention' } : {}),
          }),
          ...(text === '' ? [] : [block(text)]),
          ...facts.map(([name, value]) => block(`${name}: ${value}`)),
          ...timeline.map((line) => block(line, { isSubtle: true })),
          block(command, { fontType: 'Monospace' }),
        ],
        actions: link === null ? [] : [{ type: 'Action.OpenUrl', title: 'Open', url: link }],
      }
      const attachments = [{ contentType: CARD, contentUrl: null, content }]
      return post({ body: JSON.stringify({ type: 'message', attachments }), signal })
    },
  }
}

function block(text: string, style: object = {}): object {
  return { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: literal(text), ...style }] }
}

/** Two braces would be one of the card's own functions, such as `{{DATE(...)}}`. */
function literal(text: string): string {
  return text.replaceAll(/\{(?=\{)/g, '{ ').replaceAll('${', '$ {')
}
