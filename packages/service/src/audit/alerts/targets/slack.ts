import { linesOf } from '../alert-lines.ts'
import type { Post } from '../http-post.ts'
import { inert } from '../inert-text.ts'
import type { Target } from '../target.ts'

const MOST_HEADER = 150
const MOST_FIELDS = 10

/**
 * An incoming webhook of Slack. What strangers wrote stands in `plain_text` alone, where nothing is
 * markup; the one text that is markup is our link.
 */
export function slack(post: Post): Target {
  return {
    deliver(alert, { signal }) {
      const { title, text, facts, timeline, command, link } = linesOf(alert)
      const fields = facts.slice(0, MOST_FIELDS).map(([name, value]) => plain(`${name}: ${value}`))
      const message = {
        // What notifications show. Slack reads it as markup, whatever `mrkdwn` says of it.
        text: escapeSlack(title),
        mrkdwn: false,
        parse: 'none',
        link_names: false,
        unfurl_links: false,
        unfurl_media: false,
        blocks: [
          { type: 'header', text: plain(inert(title, MOST_HEADER)) },
          ...(text === '' ? [] : [{ type: 'section', text: plain(text) }]),
          { type: 'section', fields },
          ...(timeline.length === 0
            ? []
            : [{ type: 'section', text: plain(timeline.join('\n').slice(0, 2_900)) }]),
          { type: 'context', elements: [plain(command)] },
          ...(link === null
            ? []
            : [{ type: 'context', elements: [{ type: 'mrkdwn', text: linkTo(link) }] }]),
        ],
      }
      return post({ body: JSON.stringify(message), signal })
    },
  }
}

function plain(text: string): object {
  return { type: 'plain_text', text, emoji: false }
}

function linkTo(link: string): string {
  return `<${escapeSlack(link).replaceAll('|', '%7C')}|Open the incident>`
}

/** Slack's own rule: with these three it makes links and mentions. */
function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
