import { type OpenTargetsOptions, openWebhook } from '../open-targets.ts'
import { NOTICES, type NoticeSettings } from '../settings.ts'
import type { OpenTarget } from '../target.ts'
import type { Notice } from './notice.ts'
import { type LinkPair, noticeLinks } from './notice-links.ts'
import { type NoticeMail, noticeMail } from './notice-mail.ts'

/** What the application gets. It knows the person's mail address, and sends the mail. */
export interface NoticeMessage {
  readonly type: `notice.${Notice['kind']}`
  readonly timestamp: string
  readonly data: Notice & {
    readonly links: LinkPair | null
    readonly mail: NoticeMail
  }
}

/**
 * The application's webhook as the target of notices. Links are made when a notice leaves, so that
 * the outbox has none of their tokens. Throws `config_invalid` where it cannot be opened.
 */
export function openNotices(
  { url, product, webhook }: NoticeSettings,
  { key, ...options }: OpenTargetsOptions & { readonly key: Uint8Array },
): OpenTarget {
  const send = openWebhook(NOTICES, webhook, options)
  const { links } = noticeLinks({ keys: [key], url, now: options.now })

  function messageOf(notice: Notice): NoticeMessage {
    const pair = links(notice)
    return {
      type: `notice.${notice.kind}`,
      timestamp: new Date(notice.at).toISOString(),
      data: { ...notice, links: pair ?? null, mail: noticeMail(notice, { product, links: pair }) },
    }
  }

  return {
    perMinute: webhook.perMinute,
    async deliver({ id, notice }, { signal }) {
      if (notice === undefined) return { dead: 'Who it was for was erased.' }
      return send({ id, payload: messageOf(notice), signal })
    },
  }
}
