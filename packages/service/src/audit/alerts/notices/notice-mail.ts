import { createHash } from 'node:crypto'
import { instant } from 'holdfast/cli'
import { inert, unlinked } from '../inert-text.ts'
import { mailBody } from '../mail-body.ts'
import type { Mail } from '../mailer.ts'
import type { Notice, NoticeKind } from './notice.ts'
import type { LinkPair } from './notice-links.ts'

export interface NoticeMailOptions {
  /** What the person knows the application as. */
  readonly product: string
  /** Undefined where there is no session to end. */
  readonly links: LinkPair | undefined
}

interface Words {
  readonly subject: string
  readonly paragraphs: readonly string[]
}

const MOST_PRODUCT = 60

/** A mail that lacks only the address, which the application knows. */
export type NoticeMail = Omit<Mail, 'to' | 'thread'>

/** The ready mail of a notice. */
export function noticeMail(notice: Notice, { product, links }: NoticeMailOptions): NoticeMail {
  const name = unlinked(inert(product, MOST_PRODUCT))
  const { subject, paragraphs } = WORDS[notice.kind]
  const { at, subject: account, device, place, address, done } = notice
  const facts: readonly (readonly [string, string | null])[] = [
    ['When', instant(at)],
    ['Account', account],
    ['Device', device],
    ['Place', place],
    ['Address', address],
  ]
  const title = `${name}: ${subject}`
  const body = mailBody({
    title,
    paragraphs,
    facts: facts.flatMap(([label, value]) =>
      value === null ? [] : [[label, unlinked(value)] as const],
    ),
    list: done.map((one) => `${instant(one.at)} ${unlinked(one.text)}`),
    links:
      links === undefined
        ? []
        : [
            { text: 'This was not me: end the session', href: links.notMe },
            { text: 'This was me', href: links.me },
          ],
    footer:
      links === undefined
        ? `You get this mail because it concerns your account at ${name}.`
        : 'Each link works once, for seven days, and asks before it does anything. Nobody will ' +
          'ever ask you for these links.',
  })
  const id = createHash('sha256').update(`${notice.kind} ${notice.event}`).digest('base64url')
  return { id: `notice_${id.slice(0, 22)}`, subject: title, ...body }
}

const WORDS: Readonly<Record<NoticeKind, Words>> = {
  new_device: {
    subject: 'a new device uses your account',
    paragraphs: ['Your account was used from a device that it was not used from before.'],
  },
  new_place: {
    subject: 'your account was used from a new place',
    paragraphs: ['Your account was used from a place that it was not used from before.'],
  },
  step_up_failed: {
    subject: 'somebody failed to prove who they are',
    paragraphs: [
      'Somebody who uses your account was asked for another proof, such as a code, and failed.',
    ],
  },
  fork: {
    subject: 'two parties used one login of yours',
    paragraphs: [
      'Something that only one browser can know came from two. Both have to prove who they are ' +
        'before they go on.',
      'If you see this mail and not the question, somebody may have copied your login.',
    ],
  },
  meanwhile: {
    subject: 'what was done while somebody else held your login',
    paragraphs: [
      'You have proven who you are, and whoever else held your login is out. This is what was ' +
        'done with it in the meantime. What you have not done was them.',
    ],
  },
}
