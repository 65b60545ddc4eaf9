import type { PersonalFacts, SessionEvent } from 'holdfast/maintenance'
import { type Random, random } from '../hijack/random.ts'

/** As the audit log hands it over. */
export interface Entry {
  readonly index: number
  readonly partition: number
  readonly sequence: number
  readonly event: SessionEvent
  readonly personal: PersonalFacts
}

/** The instant at which the log ends. */
export const NOW = Date.UTC(2026, 10, 29)

const SPAN_MS = 29 * 24 * 3_600_000
const SUBJECTS = 60_000
const NETWORKS = 2_000
/** Sessions that are alive at once. */
const ALIVE = 20_000

const COUNTRIES = ['DE', 'FR', 'US', 'GB', 'NL', 'SE', 'NO', 'PL', 'IN', 'BR', 'JP', 'NG']
const BROWSERS = ['chrome', 'safari', 'firefox', 'edge', 'samsung', 'opera'] as const
const SYSTEMS = ['windows', 'ios', 'android', 'macos', 'linux'] as const

interface Session {
  readonly id: string
  readonly subject: number
  readonly network: number
  readonly host: number
  readonly device: NonNullable<SessionEvent['device']>
}

/**
 * A log of 29 days: few subjects, networks and sessions have most of the events. One network in a
 * hundred events is of another country than usual; a tenth of the events is about a suspicion.
 */
export function* entries(count: number): Generator<Entry> {
  const draws = random('search')
  const alive: Session[] = []
  for (let index = 0; index < count; index++) {
    const at = NOW - SPAN_MS + Math.floor((index / count) * SPAN_MS)
    const isLogin = alive.length < ALIVE && draws.chance(alive.length < 1_000 ? 1 : 0.2)
    const place = isLogin ? alive.length : skewed(draws, alive.length)
    const session = isLogin ? newSession(draws) : (alive[place] ?? newSession(draws))
    alive[place] = session
    const isEnd = !isLogin && draws.chance(0.15)
    if (isEnd) {
      alive[place] = alive.at(-1) ?? session
      alive.pop()
    }
    yield entryOf(draws, { index, at, session, type: typeOf(draws, isLogin, isEnd) })
  }
}

/** What searches can ask for, as often as it occurs. */
export function drawnSession(draws: Random): Session {
  return newSession(draws)
}

export function subjectName(subject: number): string {
  return `user-${subject}@example.org`
}

export function addressOf(network: number, host: number): string {
  const [high, low] = [network >> 8, network & 255]
  return network % 4 === 0
    ? `2001:db8:${network.toString(16)}:${(host >> 4).toString(16)}::${host.toString(16)}`
    : `${20 + high}.${low}.${host >> 4}.${host & 255}`
}

function newSession(draws: Random): Session {
  const subject = skewed(draws, SUBJECTS)
  return {
    id: keyOf(draws, 32),
    subject,
    network: skewed(draws, NETWORKS),
    host: draws.below(4_000),
    device: {
      family: BROWSERS[skewed(draws, BROWSERS.length)] ?? 'chrome',
      major: 120 + draws.below(20),
      os: SYSTEMS[skewed(draws, SYSTEMS.length)] ?? 'windows',
    },
  }
}

/** Below `count`, the small ones far more often. */
function skewed(draws: Random, count: number): number {
  return Math.floor(count * draws.next() ** 3)
}

function typeOf(draws: Random, isLogin: boolean, isEnd: boolean): SessionEvent['type'] {
  if (isLogin) return draws.chance(0.1) ? 'login-failed' : 'session-established'
  if (isEnd) return draws.chance(0.7) ? 'session-revoked' : 'session-expired'
  const at = draws.next()
  if (at < 0.4) return 'session-presented'
  if (at < 0.7) return 'secret-rotated'
  if (at < 0.9) return 'context-changed'
  if (at < 0.97) return 'anomaly-detected'
  return at < 0.9995 ? 'step-up-required' : 'session-limited'
}

interface Facts {
  readonly index: number
  readonly at: number
  readonly session: Session
  readonly type: SessionEvent['type']
}

function entryOf(draws: Random, { index, at, session, type }: Facts): Entry {
  const { subject, network, host, device } = session
  const abroad = draws.chance(0.01)
  return {
    index,
    partition: subject % 64,
    sequence: index,
    event: {
      id: keyOf(draws, 16),
      type,
      at,
      actor: type === 'session-revoked' && draws.chance(0.05) ? 'ops' : 'client',
      subject: subjectKey(subject),
      session: type === 'login-failed' ? null : session.id,
      network: {
        asn: 64_500 + network,
        organisation: `Network ${network} of the bench`,
        kind: network % 50 === 49 ? 'vpn' : 'fixed',
        country: COUNTRIES[(abroad ? draws.below(100) : network) % COUNTRIES.length] ?? null,
        city: `City ${network % 300}`,
      },
      device,
      ...judged(draws, type),
      reason: reasonOf(draws, type),
      correlation: keyOf(draws, 16),
    },
    personal: {
      subject: subjectName(subject),
      tenant: 'default',
      address: addressOf(network, host),
      userAgent:
        `Mozilla/5.0 (${device.os}) AppleWebKit/537.36 (KHTML, like Gecko) ` +
        `${device.family}/${device.major}.0.0.0 Safari/537.36`,
    },
  }
}

/** As `subjectKeys` writes them. */
export function subjectKey(subject: number): string {
  return Buffer.from(`subject-${String(subject).padStart(8, '0')}`).toString('base64url')
}

function judged(
  draws: Random,
  type: SessionEvent['type'],
): Pick<SessionEvent, 'decision' | 'situation'> {
  if (
    !['anomaly-detected', 'step-up-required', 'session-limited', 'context-changed'].includes(type)
  )
    return { decision: null, situation: null }
  const score = type === 'context-changed' ? draws.below(12) : 12 + draws.below(50)
  const outcome =
    type === 'session-limited'
      ? 'limit'
      : type === 'step-up-required'
        ? 'challenge'
        : score < 12
          ? 'allow'
          : 'observe'
  const reason = {
    group: 'N' as const,
    reason: 'network_changed',
    weight: score,
    detail: { from: 'DE', to: 'FR', km: draws.below(9_000) },
    text: 'The request comes from another network than the session is used from.',
  }
  return {
    decision: { outcome, score, because: [reason] },
    situation: {
      ...{ sensitivity: 'normal', reading: true, context: 'new', networkConfirmed: false },
      ...{ missing: [], forked: false, canStepUp: true, signalFailed: false, prompts: 0 },
      contradiction: null,
    },
  }
}

function reasonOf(draws: Random, type: SessionEvent['type']): string | null {
  if (type === 'session-revoked') return draws.chance(0.002) ? 'secret_forked' : 'logout'
  if (type === 'step-up-required') return 'evidence'
  return null
}

function keyOf(draws: Random, bytes: number): string {
  const words = Uint32Array.from({ length: bytes / 4 }, () => draws.below(2 ** 32))
  return Buffer.from(words.buffer).toString('base64url')
}
