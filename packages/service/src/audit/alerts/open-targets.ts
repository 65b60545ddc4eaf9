import { readFileSync } from 'node:fs'
import type { LookupFunction } from 'node:net'
import { SessionError } from 'holdfast'
import type { Reach } from './address-filter.ts'
import { jsonPost, type Post } from './http-post.ts'
import { smtpMailer } from './mailer.ts'
import type { AlertSettings, Secret, TargetSettings } from './settings.ts'
import type { OpenTarget, OpenTargets, Target } from './target.ts'
import { email } from './targets/email.ts'
import { pagerduty } from './targets/pagerduty.ts'
import { slack } from './targets/slack.ts'
import { teams } from './targets/teams.ts'
import { webhook } from './targets/webhook.ts'

export interface OpenTargetsOptions {
  readonly now: () => number
  /** Instead of the system's resolver. */
  readonly lookup?: LookupFunction
}

const MOST_SECRET_BYTES = 65_536

/**
 * The configured targets, their secrets read. Throws `config_invalid`, which names the target and
 * nothing of its secrets.
 */
export function openTargets(
  settings: AlertSettings['targets'],
  { now, lookup }: OpenTargetsOptions,
): OpenTargets {
  const opened = Object.entries(settings).map(([name, one]): [string, OpenTarget] => {
    const reach = {
      allowPrivate: one.allowPrivate,
      lookup,
      ca: one.ca === undefined ? undefined : textOf(name, { file: one.ca }),
    }
    return [name, { ...openTarget(name, one, { reach, now }), perMinute: one.perMinute }]
  })
  return Object.fromEntries(opened)
}

function openTarget(
  name: string,
  settings: TargetSettings,
  { reach, now }: { readonly reach: Reach; readonly now: () => number },
): Target {
  const read = (secret: Secret): string => textOf(name, secret)
  const postTo = (url: Secret): Post => jsonPost(urlOf(name, read(url), reach), { reach, now })
  switch (settings.type) {
    case 'webhook': {
      const secrets = settings.secrets.map((secret) => signingSecret(name, read(secret)))
      return webhook(postTo(settings.url), { secrets, now })
    }
    case 'slack':
      return slack(postTo(settings.url))
    case 'teams':
      return teams(postTo(settings.url))
    case 'pagerduty':
      return pagerduty(postTo(settings.url), { routingKey: read(settings.routingKey) })
    case 'email': {
      const { password, to, ...smtp } = settings
      const secret = password === undefined ? undefined : read(password)
      return email(smtpMailer({ ...smtp, password: secret, reach }), { to })
    }
  }
}

function textOf(name: string, secret: Secret): string {
  if (typeof secret === 'string') return secret
  try {
    const text = readFileSync(secret.file, 'utf8').trim()
    if (text !== '' && text.length <= MOST_SECRET_BYTES) return text
  } catch (cause) {
    throw invalid(name, `names the file ${secret.file}, which cannot be read`, cause)
  }
  throw invalid(name, `names the file ${secret.file}, which is empty or too large`)
}

/** What goes to a public address goes over TLS. */
function urlOf(name: string, text: string, { allowPrivate }: Reach): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const known = url?.protocol === 'https:' || (allowPrivate && url?.protocol === 'http:')
  if (url === undefined || !known || url.username !== '' || url.password !== '') {
    throw invalid(name, 'has a URL that is not https, or http with allowPrivate, without a user')
  }
  return text
}

/** Standard Webhooks: `whsec_` and base64 of 24 to 64 bytes. */
function signingSecret(name: string, text: string): string {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text)?.[1]
  const bytes = Buffer.from(base64 ?? '', 'base64')
  if (bytes.length >= 24 && bytes.length <= 64 && bytes.toString('base64') === base64) return text
  throw invalid(name, 'has a signing secret that is not whsec_ and base64 of 24 to 64 bytes')
}

function invalid(name: string, problem: string, cause?: unknown): SessionError {
  return new SessionError('config_invalid', `The alert target ${name} ${problem}.`, { cause })
}
