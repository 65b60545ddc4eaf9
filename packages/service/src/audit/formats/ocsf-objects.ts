import type { EntryFacts } from './facts.ts'

/** Objects of OCSF 1.8 that several of its classes have. Null where there is nothing to say. */

type OcsfObject = Readonly<Record<string, unknown>>

/** The subject by its key, with the name that the application has for it where that may be told. */
export function ocsfUser({ subject, personal: { name } }: EntryFacts): OcsfObject {
  if (subject === null && name === null) return { type_id: 0, type: 'Unknown', name: 'unknown' }
  return { type_id: 1, type: 'User', uid: subject, name }
}

/** Where the client was. An endpoint must have an address or a name. */
export function ocsfEndpoint({ network, device, personal }: EntryFacts): OcsfObject | null {
  const { address, prefix } = personal
  if (network === null && device === null && prefix === null) return null
  const os = device === null ? undefined : (SYSTEMS[device.os] ?? OTHER_SYSTEM)
  return {
    name: device === null ? 'unknown' : `${device.family} on ${device.os}`,
    ip: address,
    subnet_uid: prefix,
    os: os && { type_id: os[0], name: os[1] },
    location: { country: network?.country, city: network?.city },
    autonomous_system: { number: network?.asn, name: network?.organisation },
  }
}

export function ocsfSession({ session, authentication }: EntryFacts): OcsfObject | null {
  if (session === null) return null
  return { uid: session, is_mfa: authentication === null ? null : isMfa(authentication.amr) }
}

export function ocsfRequest({ correlation, personal }: EntryFacts): OcsfObject {
  return { uid: correlation, user_agent: personal.userAgent }
}

/** Of a login: by which factors, by the names of RFC 8176 and what else is customary. */
export function ocsfFactors(amr: readonly string[]): readonly OcsfObject[] {
  return amr
    .filter((method) => method !== 'mfa')
    .map((method) => {
      const [factor_type_id, factor_type] = FACTORS[method] ?? [99, method]
      return { factor_type_id, factor_type }
    })
}

/** Two factors were shown, or the application says so. */
export function isMfa(amr: readonly string[]): boolean {
  return amr.includes('mfa') || new Set(ocsfFactors(amr).map((one) => one.factor_type)).size > 1
}

/** The profile Security Control: what the decision did to the request. */
export function ocsfControl({ decision }: EntryFacts): OcsfObject {
  if (decision === null) return { action_id: 0, action: 'Unknown' }
  const [action_id, action, disposition_id, disposition] =
    CONTROLS[decision.outcome] ?? UNKNOWN_CONTROL
  return { action_id, action, disposition_id, disposition, risk_score: decision.score }
}

/** Steal web session cookie, and web session cookie as alternate material (MITRE ATT&CK). */
export const SESSION_THEFT = [
  {
    technique: { uid: 'T1539', name: 'Steal Web Session Cookie' },
    tactic: { uid: 'TA0006', name: 'Credential Access' },
  },
  {
    technique: { uid: 'T1550', name: 'Use Alternate Authentication Material' },
    sub_technique: { uid: 'T1550.004', name: 'Web Session Cookie' },
    tactic: { uid: 'TA0008', name: 'Lateral Movement' },
  },
]

type Pair = readonly [number, string]

const OTHER_SYSTEM: Pair = [99, 'other']

const SYSTEMS: Readonly<Record<string, Pair>> = {
  unknown: [0, 'unknown'],
  windows: [100, 'Windows'],
  linux: [200, 'Linux'],
  android: [201, 'Android'],
  macos: [300, 'macOS'],
  ios: [301, 'iOS'],
  chromeos: [99, 'ChromeOS'],
}

const FACTORS: Readonly<Record<string, Pair>> = {
  sms: [1, 'SMS'],
  kba: [2, 'Security Question'],
  tel: [3, 'Phone Call'],
  face: [4, 'Biometric'],
  fpt: [4, 'Biometric'],
  iris: [4, 'Biometric'],
  retina: [4, 'Biometric'],
  vbm: [4, 'Biometric'],
  hwk: [6, 'Hardware Token'],
  sc: [6, 'Hardware Token'],
  otp: [7, 'OTP'],
  email: [8, 'Email'],
  webauthn: [10, 'WebAuthn'],
  passkey: [10, 'WebAuthn'],
  pwd: [11, 'Password'],
}

const UNKNOWN_CONTROL = [0, 'Unknown', 0, 'Unknown'] as const

const CONTROLS: Readonly<Record<string, readonly [number, string, number, string]>> = {
  allow: [1, 'Allowed', 1, 'Allowed'],
  observe: [3, 'Observed', 15, 'Detected'],
  challenge: [2, 'Denied', 23, 'Challenge'],
  limit: [2, 'Denied', 2, 'Blocked'],
  deny: [2, 'Denied', 25, 'Rejected'],
  revoke: [2, 'Denied', 24, 'Access Revoked'],
}
