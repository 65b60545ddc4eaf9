import type { LoggedFinding } from '../entry.ts'
import type { FormatOptions } from './facts.ts'
import { DETECTION_FINDING, FINDINGS, ocsfBase, ocsfMetadata } from './ocsf.ts'
import { plainText } from './plain-text.ts'
import { pruned } from './pruned.ts'

/**
 * What a rule has found, as a Detection Finding (2004) of OCSF 1.8.0. Title and text may quote any
 * field of the events, so they are told with the whole personal part alone; otherwise the rule's
 * name stands for them.
 */
export function ocsfFinding(line: LoggedFinding, { personal }: FormatOptions): object {
  const { finding } = line
  const { subject, session } = finding
  const told = personal === 'full' ? line.personal : null
  const title = told === null ? word(finding.rule) : plainText(told.title, MOST_TITLE)
  const prefix = personal === 'none' ? null : (line.personal?.network ?? null)
  return pruned({
    ...ocsfBase(
      { category: FINDINGS, class: DETECTION_FINDING, activity: [1, 'Create'] },
      finding.severity,
      finding.at,
    ),
    status_id: 1,
    status: 'New',
    message: title,
    is_alert: true,
    count: finding.count,
    finding_info: {
      uid: word(finding.id),
      title,
      desc: told === null ? null : plainText(told.text, MOST_TEXT),
      created_time: finding.at,
      analytic: { name: word(finding.rule), type_id: 1, type: 'Rule' },
      related_events: finding.events.slice(-MOST_EVENTS).map((id) => ({ uid: word(id) })),
      related_events_count: finding.count,
    },
    evidences: [
      {
        user: subject === null ? null : { type_id: 1, type: 'User', uid: word(subject) },
        actor: session === null ? null : { session: { uid: word(session) } },
        src_endpoint: prefix === null ? null : { name: 'unknown', subnet_uid: word(prefix) },
      },
    ],
    metadata: ocsfMetadata({ uid: word(finding.id), event_code: 'finding' }),
  })
}

const MOST_WORD = 128
const MOST_TITLE = 256
const MOST_TEXT = 1_024
const MOST_EVENTS = 20

function word(text: string): string {
  return plainText(text, MOST_WORD)
}
