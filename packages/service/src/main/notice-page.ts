import type { Sessions, Store } from 'holdfast'
import type { Keyring } from 'holdfast/maintenance'
import type { Logger } from 'pino'
import type { NoticePage } from '../api/parts.ts'
import { noticeHandler } from '../audit/alerts/notices/notice-handler.ts'
import { noticeKey } from '../audit/alerts/notices/notice-key.ts'
import { noticeLinks } from '../audit/alerts/notices/notice-links.ts'
import type { Config } from '../config/schema.ts'

/** The page of notices' links. Every process of a store answers it; undefined where it is off. */
export function noticePage(
  { notices }: Pick<Config, 'notices'>,
  {
    sessions,
    store,
    keyring,
    now,
    log,
  }: {
    readonly sessions: Pick<Sessions, 'report'>
    readonly store: Pick<Store, 'replays'>
    readonly keyring: Keyring
    readonly now: () => number
    readonly log: Pick<Logger, 'error'>
  },
): NoticePage | undefined {
  if (notices === undefined) return undefined
  const links = noticeLinks({ keys: [noticeKey(keyring)], url: notices.url, now })
  return {
    path: links.path,
    answer: noticeHandler({
      ...{ links, sessions },
      once: (key, until) => store.replays.once(key, until),
      failed: (err) => log.error({ err }, 'the link of a notice could not be answered'),
    }),
  }
}
