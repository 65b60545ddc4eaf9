import type { Decision, SessionDetail, SessionEvent } from 'holdfast'
import {
  deviceName,
  methodNames,
  networkName,
  placeName,
  reasonSentence,
  sentence,
} from '../pages/words.ts'

/** What the page draws. Words and numbers, no address. */
export interface SessionPicture {
  readonly id: string
  readonly subject: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly lastActivity: number
  readonly proven: string
  readonly forked: boolean
  readonly contexts: readonly ContextPicture[]
}

export interface ContextPicture {
  readonly state: 'confirmed' | 'provisional' | 'challenged'
  readonly place: string
  readonly network: string
  readonly device: string
  /** The browser that looks at this page is in this context. */
  readonly here: boolean
  readonly clock: string | null
  readonly firstSeen: number
  readonly lastSeen: number
  readonly visits: number
  /** Decibans, decayed until now. */
  readonly evidence: number
  readonly because: readonly ReasonPicture[]
  /** What else goes into the evidence than the sum of the reasons. */
  readonly note: string | null
}

export interface ReasonPicture {
  readonly weight: number
  readonly text: string
}

export interface EventPicture {
  readonly id: string
  readonly at: number
  readonly type: string
  readonly title: string
  readonly tone: 'good' | 'warn' | 'bad' | 'plain'
  readonly from: string | null
  readonly reason: string | null
  readonly outcome: string | null
  readonly score: number | null
  readonly because: readonly ReasonPicture[]
}

const TITLES: Readonly<Record<string, readonly [title: string, tone: EventPicture['tone']]>> = {
  'session-established': ['You logged in: the session begins', 'good'],
  'session-presented': ['The session was shown', 'plain'],
  'secret-rotated': ['The secret was changed', 'plain'],
  'context-changed': ['Used from a new place or browser', 'warn'],
  'anomaly-detected': ['Something is odd', 'warn'],
  'step-up-required': ['A second factor was asked for', 'bad'],
  'step-up-completed': ['The second factor was proven', 'good'],
  'step-up-failed': ['A wrong second factor', 'bad'],
  'session-limited': ['Limited to reading until proven', 'bad'],
  'session-revoked': ['The session was ended', 'bad'],
  'session-expired': ['The session ran out', 'plain'],
  'subject-revoked': ['Logged out everywhere', 'bad'],
  'login-failed': ['A login failed', 'warn'],
  'login-refused': ['A login that was right started no session', 'warn'],
  'token-unknown': ['An unknown secret was shown', 'bad'],
  'token-reused': ['An old secret came back', 'bad'],
  'policy-differed': ['The trial policy decided otherwise', 'plain'],
  'false-alarm-reported': ['A false alarm was reported', 'plain'],
  'attributes-changed': ['The shop noted something about the session', 'plain'],
}

type ContextDetail = SessionDetail['contexts'][number]

/** Who looks at the page: from which line, with which browser. */
export interface Viewer {
  readonly ip: string | null
  readonly device: Pick<ContextDetail['device'], 'family' | 'os'>
}

/** A context is a line (of IPv4 a /24), a family of browsers and a system. */
function isHere({ network, device }: ContextDetail, viewer: Viewer): boolean {
  return (
    network.address !== null &&
    viewer.ip !== null &&
    lineOf(network.address) === lineOf(viewer.ip) &&
    device.family === viewer.device.family &&
    device.os === viewer.device.os
  )
}

/** The edge gives every visitor an address of IPv4. */
function lineOf(address: string): string {
  return address.slice(0, address.lastIndexOf('.'))
}

/**
 * @param texts What {@link reasonTexts} gathered: a context keeps reasons and weights, the log has
 * the sentences.
 */
export function sessionPicture(
  detail: SessionDetail,
  {
    texts,
    now,
    viewer,
  }: {
    readonly texts: ReadonlyMap<string, string>
    readonly now: number
    readonly viewer: Viewer
  },
): SessionPicture {
  return {
    id: detail.id,
    subject: detail.subject,
    createdAt: detail.createdAt,
    expiresAt: detail.expiresAt,
    lastActivity: detail.lastActivity,
    proven: methodNames(detail.amr),
    forked: detail.forked,
    contexts: [...detail.contexts]
      .sort((a, b) => b.lastSeen - a.lastSeen)
      .map((context) => ({
        state: context.state,
        place: placeName(context.network),
        network: networkName(context.network),
        device: deviceName(context.device),
        here: isHere(context, viewer),
        clock: context.device.timezone,
        firstSeen: context.firstSeen,
        lastSeen: context.lastSeen,
        visits: context.visits,
        evidence: context.evidenceNow,
        because: contextReasons(context, texts),
        note: evidenceNote(context, now),
      })),
  }
}

/** The reasons on a context's account, in the words of the log where it has them. */
export function contextReasons(
  { network, because }: ContextDetail,
  texts: ReadonlyMap<string, string>,
): readonly ReasonPicture[] {
  return because.map(({ reason, weight }) => ({
    weight,
    text: texts.get(textKey(network.asn, reason, weight)) ?? reasonSentence(reason),
  }))
}

/** Why a context's evidence is not the sum of its reasons; null when it is. */
export function evidenceNote(context: ContextDetail, now: number): string | null {
  const { because, evidence, evidenceAt, evidenceNow } = context
  const sum = because.reduce((total, { weight }) => total + weight, 0)
  if (sum === evidenceNow) return null
  if (sum < 0 && evidenceNow === 0) {
    return `Together −${-sum}, which counts as 0: quiet use saves up no credit.`
  }
  if (evidence === 0) return `Together ${sum} when judged; confirmed, so it counts as 0.`
  const minutes = Math.round((now - evidenceAt) / 60_000)
  const after = evidence === sum && minutes > 0 ? `after ${minutes} min` : 'now'
  return `Together ${sum} when judged, ${evidenceNow} left ${after}: evidence fades.`
}

export function eventPicture(event: SessionEvent): EventPicture {
  const [title, tone] = TITLES[event.type] ?? [sentence(event.type), 'plain']
  const from =
    event.network === null ? null : `${placeName(event.network)}, ${networkName(event.network)}`
  const device = event.device === null ? null : deviceName(event.device)
  return {
    id: event.id,
    at: event.at,
    type: event.type,
    title,
    tone,
    from: [from, device].filter((part) => part !== null).join(' · ') || null,
    reason: reasonOf(event),
    outcome: event.decision?.outcome ?? null,
    score: event.decision?.score ?? null,
    because: reasons(event.decision),
  }
}

const REASONS: Readonly<Record<string, string>> = {
  secret_forked: 'Two browsers hold the same secret',
  travel_impossible: 'Nobody travels that fast',
  evidence: 'Too much speaks against it',
  context_challenged: 'It has not proven itself since',
  network_unconfirmed: 'An important step, from a place that is not confirmed',
  acr_missing: 'This step wants a stronger proof',
  authentication_stale: 'This step wants a fresh proof',
  step_up_begun: 'The question is on the screen',
  attempts_exhausted: 'Too many wrong answers from here',
  prompts_exhausted: 'Asked too often from places that nobody confirmed',
  contexts_exhausted: 'Used from too many places at once',
  device_changed: 'The same browser, with something new about it',
  logout: 'You logged out',
  logout_everywhere: 'You ended your other sessions',
  ended_by_user: 'You ended it from another session',
}

/** A login's reason is the class of its session, which says nothing here. */
function reasonOf({ type, reason }: SessionEvent): string | null {
  if (reason === null || type === 'session-established') return null
  if (type === 'step-up-completed') return `By ${methodNames(reason.split('+'))}`
  return REASONS[reason] ?? sentence(reason)
}

export function reasons(decision: Decision | null | undefined): readonly ReasonPicture[] {
  return (decision?.because ?? []).map(({ weight, text }) => ({ weight, text }))
}

/** The newest sentence that the log has for each reason, by {@link textKey}. */
export function reasonTexts(events: readonly SessionEvent[]): ReadonlyMap<string, string> {
  return new Map(
    events.flatMap(({ network, decision }) =>
      (decision?.because ?? []).map(({ reason, weight, text }) => [
        textKey(network?.asn ?? null, reason, weight),
        text,
      ]),
    ),
  )
}

/** A sentence holds values: the same reason says something else of another network. */
function textKey(asn: number | null, reason: string, weight: number): string {
  return `${asn} ${reason} ${weight}`
}
