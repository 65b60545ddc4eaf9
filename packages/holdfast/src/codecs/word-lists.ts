import { SessionError } from '../core/errors.ts'
import { type ByteReader, type ByteWriter, readText, readUint } from './bytes.ts'

/**
 * Writes a word of a list as its number, any other word as its letters. The numbers are stored:
 * new words go to the end of their list.
 */
export function writeListed(writer: ByteWriter, list: readonly string[], word: string): void {
  const known = list.indexOf(word) + 1
  writer.uint(known)
  if (known === 0) writer.text(word)
}

/** Throws `record_invalid` for a number that the list does not have. */
export function readListed(reader: ByteReader, list: readonly string[]): string {
  const known = readUint(reader)
  if (known === 0) return readText(reader)
  const word = list[known - 1]
  if (word !== undefined) return word
  throw new SessionError('record_invalid', 'A record names a word that this version does not know.')
}

/** Tenants, classes, authentication methods, and reasons of the built-in signals and policies. */
export const WORDS = listed(`
  default remember pwd otp mfa hwk swk sms network_same_address network_same_prefix
  network_same_block network_same_asn_far network_asn_known relay_known relay_new hosting_known
  hosting_new hosting_foreign satellite_network network_new_near network_new_far
  country_new_mobile country_new_clock_moved country_new_clock_unknown country_new_clock_unmoved
  timezone_changed travel_infeasible device_identical browser_updated screen_known screen_new
  browser_downgraded browser_jumped language_changed platform_changed hints_missing
  hints_contradictory not_a_browser secret_forked evidence_carried evidence_inherited
  step_up_failed signal_failed context_challenged network_unconfirmed acr_missing
  authentication_stale prompts_exhausted contexts_exhausted attempts_exhausted failed_key_proof
  step_up_failed_after_fork not_me refresh_reused switched_back interleaved
  logins_failed network_hopping hour_unusual sensitive_burst sensitive_unconfirmed
  tls_changed secret_overdue country_new_clock_elsewhere travel_impossible facts_missing
`)

/** IANA time zones where most people live. */
export const TIME_ZONES = listed(`
  UTC Europe/London Europe/Dublin Europe/Lisbon Europe/Madrid Europe/Paris Europe/Brussels
  Europe/Amsterdam Europe/Berlin Europe/Zurich Europe/Vienna Europe/Rome Europe/Copenhagen
  Europe/Oslo Europe/Stockholm Europe/Helsinki Europe/Warsaw Europe/Prague Europe/Budapest
  Europe/Bucharest Europe/Sofia Europe/Athens Europe/Istanbul Europe/Kiev Europe/Kyiv
  Europe/Moscow Europe/Minsk Europe/Belgrade Europe/Zagreb Europe/Vilnius Europe/Riga
  Europe/Tallinn America/New_York America/Chicago America/Denver America/Phoenix
  America/Los_Angeles America/Anchorage Pacific/Honolulu America/Toronto America/Vancouver
  America/Edmonton America/Winnipeg America/Halifax America/Mexico_City America/Bogota
  America/Lima America/Caracas America/Santiago America/Sao_Paulo America/Buenos_Aires
  America/Argentina/Buenos_Aires America/Guayaquil Africa/Cairo Africa/Lagos Africa/Johannesburg
  Africa/Nairobi Africa/Casablanca Africa/Algiers Africa/Accra Asia/Jerusalem Asia/Beirut
  Asia/Riyadh Asia/Dubai Asia/Tehran Asia/Baghdad Asia/Karachi Asia/Kolkata Asia/Calcutta
  Asia/Dhaka Asia/Colombo Asia/Kathmandu Asia/Bangkok Asia/Ho_Chi_Minh Asia/Saigon Asia/Jakarta
  Asia/Kuala_Lumpur Asia/Singapore Asia/Manila Asia/Hong_Kong Asia/Taipei Asia/Shanghai
  Asia/Seoul Asia/Tokyo Asia/Tashkent Asia/Almaty Asia/Yekaterinburg Asia/Novosibirsk
  Australia/Perth Australia/Adelaide Australia/Brisbane Australia/Sydney Australia/Melbourne
  Pacific/Auckland
`)

/** Language tags that browsers send most. */
export const LANGUAGES = listed(`
  en en-US en-GB en-CA en-AU en-IN en-NZ en-IE en-ZA de de-DE de-AT de-CH fr fr-FR fr-CA fr-BE
  fr-CH es es-ES es-MX es-AR es-419 es-US pt pt-BR pt-PT it it-IT nl nl-NL nl-BE pl pl-PL ru
  ru-RU uk uk-UA cs cs-CZ sk sk-SK hu hu-HU ro ro-RO bg bg-BG el el-GR tr tr-TR sv sv-SE nb
  nb-NO no nn nn-NO da da-DK fi fi-FI et lv lt hr sr sl ja ja-JP zh zh-CN zh-TW zh-HK ko ko-KR
  vi vi-VN th th-TH id id-ID ms fil hi hi-IN bn ta te mr gu pa ur fa fa-IR ar ar-SA ar-EG ar-AE
  he he-IL sw af ca eu gl
`)

/** What events say, beside {@link WORDS}. */
export const EVENT_WORDS: readonly string[] = [
  ...listed(`
    client engine application allow observe challenge limit deny revoke N D C R K B P
    session-established session-presented session-refreshed secret-rotated context-changed
    anomaly-detected step-up-required step-up-completed step-up-failed session-limited
    session-revoked session-expired subject-revoked login-failed token-unknown token-reused
    policy-differed false-alarm-reported unknown chrome edge opera samsung firefox safari app
    automation windows macos linux chromeos android ios fixed mobile hosting vpn relay tor
    satellite corporate private normal sensitive confirmed provisional challenged new acr
    freshness logout session_limit login idle_timeout absolute_timeout session_unknown
    token_superseded token_revoked credential_changed account_disabled false_alarm
    device_changed factor_not_proved store_rolled_back shadow_failed history_unreadable name
    here usual timezone atLeastKm minutes atLeastKmh before hints other left was failures
    networks hour prompts seen AT AU BE BR CA CH CN CZ DE DK ES FI FR GB GR HU IE IN IT JP KR
    MX NL NO NZ PL PT RO RU SE SG SK TR UA US ZA
  `),
  'unknown provider',
  ...listed(`
    login-refused attributes-changed request-refused admin-acted key-rotated policy-changed
    session_limit_reached login_superseded wrong_token_use challenge_used challenge_invalid
    answered_again session_viewed sessions_listed events_read attributes_changed session_revoked
    subject_revoked sealing signing
  `),
]

/** Brands of Chromium and its forks in `Sec-CH-UA`. */
export const BRANDS: readonly string[] = [
  'Chromium',
  'Google Chrome',
  'Microsoft Edge',
  'Brave',
  'Opera',
  'Opera GX',
  'Opera Mobile',
  'Samsung Internet',
  'Vivaldi',
  'Yandex',
  'HeadlessChrome',
  'Android WebView',
  'Microsoft Edge WebView2',
  'DuckDuckGo',
]

function listed(words: string): readonly string[] {
  return words.trim().split(/\s+/)
}
