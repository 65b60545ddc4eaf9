import type { SessionDetail } from 'holdfast'
import type { EventAtCursor } from 'holdfast/wire'
import type { ThiefPreset } from '../demo/thief-presets.ts'
import { deviceName, networkName, placeName } from '../pages/words.ts'
import {
  contextReasons,
  evidenceNote,
  type ReasonPicture,
  reasons,
  reasonTexts,
} from '../sees/picture.ts'

/** Why a replay was answered as it was, from the event log and the session. */
export interface Findings {
  readonly from: string | null
  readonly decision: {
    readonly score: number
    readonly because: readonly ReasonPicture[]
    /** Why the reasons do not sum to the score; null when they do. */
    readonly note: string | null
  } | null
}

/**
 * The newest decision about the thief's network among the events that the replay caused. A
 * repetition of the same causes none: then what the session's context has on its account.
 */
export function findings(options: {
  readonly preset: ThiefPreset
  readonly caused: readonly EventAtCursor[]
  readonly detail: SessionDetail | undefined
  readonly now: number
}): Findings {
  const { preset, caused, detail, now } = options
  const { asn } = preset.place
  const event = caused.findLast(
    ({ network, decision }) => network?.asn === asn && decision !== null,
  )
  if (event?.decision) {
    const { network, device, decision } = event
    const from = [
      network && `${placeName(network)}, ${networkName(network)}`,
      device && deviceName(device),
    ]
    return {
      from: from.filter((part) => part !== null).join(' · ') || null,
      decision: { score: decision.score, because: reasons(decision), note: null },
    }
  }
  const context = detail?.contexts.findLast(
    ({ network }) => network.address === preset.place.address,
  )
  if (context === undefined) return { from: null, decision: null }
  return {
    from:
      `${placeName(context.network)}, ${networkName(context.network)} · ` +
      `${deviceName(context.device)}`,
    decision: {
      score: context.evidenceNow,
      because: contextReasons(context, reasonTexts(caused)),
      note: evidenceNote(context, now),
    },
  }
}

const VERDICTS: Readonly<Record<string, string>> = {
  step_up_required:
    'Asked for the second factor, which he does not have. Only this place and browser is ' +
    'challenged; the owner works on.',
  session_limited: 'He may read and no more, until he proves the second factor.',
  context_refused:
    'Asked too often from places that nobody confirmed: refused without another prompt.',
  session_revoked: 'The session is over, for everybody: what he did, only a thief does.',
  session_unknown: 'There is no such session any more. The copy is worthless.',
  session_expired: 'The session ran out. The copy is worthless.',
  token_superseded:
    'The owner has proven herself since, and got a new secret. This old one is dead.',
}

/** One sentence for the page. */
export function verdictOf(status: number, code: string | null): string {
  if (status < 400) {
    return (
      'He gets in. Nothing about this request looks different enough; once both have used ' +
      'the secret, its rotation gives the two holders away.'
    )
  }
  return VERDICTS[code ?? ''] ?? 'Refused.'
}
