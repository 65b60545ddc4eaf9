import { readFileSync } from 'node:fs'
import type { LookupFunction } from 'node:net'
import { SessionError } from 'holdfast'
import type { Reach } from './address-filter.ts'
import { jsonPost, type Post } from './http-post.ts'
import { smtpMailer } from './mailer.ts'
import type { AlertSettings, Secret, TargetSettings, WebhookSettings } from './settings.ts'
import type { OpenTarget, OpenTargets, Target } from './target.ts'
import { email } from './targets/email.ts'
import { pagerduty } from './targets/pagerduty.ts'
import { slack } from './targets/slack.ts'
import { teams } from './targets/teams.ts'
import { type SignedPost, type Signing, signedPost, webhook } from './targets/webhook.ts'

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
    const reach = reachOf(name, one, lookup)
    return [name, { ...openTarget(name, one, { reach, now }), perMinute: one.perMinute }]
  })
  return Object.fromEntries(opened)
}

/** A webhook alone. Throws as {@link openTargets} does. */
export function openWebhook(
  name: string,
  settings: WebhookSettings,
  { now, lookup }: OpenTargetsOptions,
): SignedPost {
  const post = postTo(name, settings.url, { reach: reachOf(name, settings, lookup), now })
  return signedPost(post, signingOf(name, settings, now))
}

function reachOf(
  name: string,
  { allowPrivate, ca }: Pick<WebhookSettings, 'allowPrivate' | 'ca'>,
  lookup: LookupFunction | undefined,
): Reach {
  return {
    allowPrivate,
    lookup,
    ca: ca === undefined ? undefined : textOf(name, { file: ca }),
  }
}

interface Opening {
  readonly reach: Reach
  readonly now: () => number
}

function signingOf(name: string, { secrets }: WebhookSettings, now: () => number): Signing {
  return { secrets: secrets.map((secret) => signingSecret(name, textOf(name, secret))), now }
}

function postTo(name: string, url: Secret, opening: Opening): Post {
  return jsonPost(urlOf(name, textOf(name, url), opening.reach), opening)
}

function openTarget(name: string, settings: TargetSettings, opening: Opening): Target {
  switch (settings.type) {
    case 'webhook':
      return webhook(postTo(name, settings.url, opening), signingOf(name, settings, opening.now))
    case 'slack':
      return slack(postTo(name, settings.url, opening))
    case 'teams':
      return teams(postTo(name, settings.url, opening))
    case 'pagerduty': {
      const routingKey = textOf(name, settings.routingKey)
      return pagerduty(postTo(name, settings.url, opening), { routingKey })
    }
    case 'email': {
      const { password, to, ...smtp } = settings
      const secret = password === undefined ? undefined : textOf(name, password)
      return email(smtpMailer({ ...smtp, password: secret, reach: opening.reach }), { to })
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
