import { z } from 'zod'
import { setting } from '../../config/setting.ts'
import { word } from '../../config/values.ts'
import { SEVERITIES } from '../finding.ts'
import { DAYS } from './quiet-hours.ts'

const MOST_TARGETS = 32
const MOST_ROUTES = 100

/** How the application is called where targets have names: it gets notices, and no alert. */
export const NOTICES = 'notices'

/** A secret as it is, or the file that holds it. */
export type Secret = string | { readonly file: string }

/** A union would only say that none of its forms fits: which one is meant is plain. */
function byForm<T>(formOf: (value: unknown) => z.ZodType<T>, message: string): z.ZodType<T> {
  return z.unknown().transform((value, context): T => {
    const read = formOf(value).safeParse(value)
    if (read.success) return read.data
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })
}

const file = z.strictObject({ file: z.string().min(1).max(1_024) })
const text = z.string().min(1).max(4_096)

const secret = byForm<Secret>(
  (value) => (typeof value === 'object' ? file : text),
  'must be the secret, or { file: PATH }',
)

const common = {
  /** Receivers on private, loopback and link-local addresses are refused without it. */
  allowPrivate: z.boolean().default(false),
  /** Certificates of the authorities (PEM) that the receiver's is checked against. */
  ca: z.string().min(1).max(1_024).optional(),
  perMinute: z.int().min(1).max(6_000).default(60),
}

const address = z.email({ message: 'must be one mail address' }).max(254)

const smtp = {
  host: z.string().min(1).max(253),
  port: z.int().min(1).max(65_535).default(587),
  /** `off` sends in clear text, and is for a relay on the same machine. */
  tls: z.enum(['starttls', 'implicit', 'off']).default('starttls'),
  user: z.string().min(1).max(512).optional(),
  password: secret.optional(),
  from: address,
  allowPrivate: common.allowPrivate,
  ca: common.ca,
}

const webhook = z.strictObject({
  url: secret,
  secrets: z.array(secret).min(1).max(4),
  ...common,
})

const target = z.discriminatedUnion('type', [
  webhook.extend({ type: z.literal('webhook') }),
  z.strictObject({ type: z.literal('slack'), url: secret, ...common }),
  z.strictObject({ type: z.literal('teams'), url: secret, ...common }),
  z.strictObject({
    type: z.literal('pagerduty'),
    routingKey: secret,
    url: secret.default('https://events.pagerduty.com/v2/enqueue'),
    ...common,
  }),
  z.strictObject({
    type: z.literal('email'),
    to: z.array(address).min(1).max(20),
    ...smtp,
    perMinute: common.perMinute,
  }),
])

const minutes = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day as in 22:00')
  .transform((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)))

const quiet = z.strictObject({
  days: z
    .array(z.enum(DAYS))
    .min(1)
    .max(7)
    .default([...DAYS]),
  from: minutes,
  to: minutes,
  zone: z.string().max(64).refine(isZone, 'must be a time zone as in Europe/Berlin'),
})

const names = z.array(z.string().min(1).max(256)).min(1).max(100)

const route = z.strictObject({
  severity: z.enum(SEVERITIES).optional(),
  rules: names.optional(),
  tenants: names.optional(),
  to: byForm<readonly string[] | 'none'>(
    (value) => (typeof value === 'string' ? z.literal('none') : z.array(word).min(1)),
    'must be none, or a list of targets',
  ),
  quiet: quiet.optional(),
})

const alerts = z
  .strictObject({
    targets: z
      .record(
        word.refine((name) => name !== NOTICES, `must not be ${NOTICES}: that is the application`),
        target,
      )
      .refine(
        (all) => Object.keys(all).length <= MOST_TARGETS,
        `must not be more than ${MOST_TARGETS}`,
      )
      .default({}),
    routes: z.array(route).max(MOST_ROUTES).default([]),
    console: z
      .url({ protocol: /^https?$/, message: 'must be an http or https URL' })
      .max(512)
      .transform((url) => url.replace(/\/+$/, ''))
      .optional(),
  })
  .superRefine(({ targets, routes }, context) => {
    for (const [at, { to }] of routes.entries()) {
      for (const name of to === 'none' ? [] : to) {
        if (Object.hasOwn(targets, name)) continue
        const message = `names ${name}, which is none of the targets`
        context.addIssue({ code: 'custom', message, path: ['routes', at, 'to'] })
      }
    }
  })
  .default({ targets: {}, routes: [] })

const MOST_PAGE_URL = 1_024
/** Neither an API call nor what a router takes for a pattern. */
const OWN_PATH = /^\/(?!v1(?:\/|$)|\.well-known(?:\/|$)|openapi\.json$)[\w.~-]+(?:\/[\w.~-]+)*$/

const notices = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, message: 'must be an http or https URL' })
    .max(MOST_PAGE_URL)
    .refine((text) => !/[?#@]/.test(text), 'must be without credentials, query and fragment')
    .refine(
      (text) => URL.canParse(text) && OWN_PATH.test(new URL(text).pathname),
      'must have a path of its own, as in https://shop.example/notice',
    ),
  product: z.string().min(1).max(60),
  webhook: webhook.extend({ perMinute: common.perMinute.unwrap().default(600) }),
})

/** Alerts to those who look after security, and notices to the person whose session it is. */
export const alerting = {
  alerts: setting(alerts, {
    about:
      'Who is told of incidents: `targets` by name (`webhook`, `slack`, `teams`, `pagerduty`, ' +
      '`email`), `routes` by severity, rule and tenant with quiet hours, and the URL of the ' +
      '`console` for links. Without routes every alert goes to every target. See ' +
      '[alerts](alerts.md).',
    example: '{ targets: { ops: { type: slack, url: { file: /run/secrets/slack } } } }',
    reading: 'yaml',
    secret: true,
  }),
  notices: setting(notices.optional(), {
    about:
      'Tells the person whose session it is of new devices, new places and two holders, by a ' +
      '`webhook` of the application, which sends the mail. `url` is the page that its links ' +
      'lead to, as browsers reach it: this service answers it on `listen`. `product` is what the ' +
      'person knows the application as. See [alerts](alerts.md#the-persons-own-notice).',
    example:
      '{ url: https://shop.example/notice, product: Shop, webhook: ' +
      '{ url: https://app.example/hook, secrets: [{ file: /run/secrets/notices }] } }',
    reading: 'yaml',
    secret: true,
  }),
}

/** As it is configured, durations and times read. */
export type AlertSettings = z.output<typeof alerts>

export type TargetSettings = z.output<typeof target>

export type WebhookSettings = z.output<typeof webhook>

export type NoticeSettings = z.output<typeof notices>

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone })
    return true
  } catch {
    return false
  }
}
