import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { openTargets } from '../../../src/audit/alerts/open-targets.ts'
import { type AlertSettings, alerting } from '../../../src/audit/alerts/settings.ts'
import { sentenceOf } from '../../../src/issues.ts'
import { folder } from '../../support.ts'
import { alertNumber, receiver } from './support.ts'

const WHSEC = `whsec_${Buffer.alloc(24, 1).toString('base64')}`
const now = (): number => Date.now()

function read(yaml: string): AlertSettings {
  return alerting.alerts.parse(parseYaml(yaml))
}

/** Where something is wrong, and what. */
function wrong(yaml: string): readonly string[] {
  const parsed = alerting.alerts.safeParse(parseYaml(yaml))
  return (parsed.error?.issues ?? []).map((issue) => `${issue.path.join('.')} ${sentenceOf(issue)}`)
}

test('nothing is configured by default', () => {
  expect(alerting.alerts.parse(undefined)).toEqual({ targets: {}, routes: [] })
})

test('every kind of target opens, its secrets from files or as they are', async () => {
  const at = join(folder(), 'slack-url')
  const { url, next } = await receiver()
  writeFileSync(at, `${url}\n`)
  const settings = read(`
targets:
  soc: { type: webhook, url: 'https://soc.example/hook', secrets: ['${WHSEC}'] }
  ops: { type: slack, url: { file: '${at}' }, allowPrivate: true, perMinute: 10 }
  team: { type: teams, url: 'https://team.example/x' }
  page: { type: pagerduty, routingKey: KEY }
  mail: { type: email, host: smtp.example, from: a@example.com, to: [b@example.com] }
routes:
  - { severity: critical, to: [page, soc] }
  - { rules: [noisy], to: none }
  - to: [ops]
    quiet: { days: [fri, sat], from: '22:00', to: '07:00', zone: Europe/Berlin }
console: https://console.example/
`)

  const targets = openTargets(settings.targets, { now })
  const signal = AbortSignal.timeout(60_000)
  const delivery = await targets.ops?.deliver(alertNumber(1), { signal })
  await next()

  expect(Object.keys(targets)).toEqual(['soc', 'ops', 'team', 'page', 'mail'])
  expect(delivery).toBe('delivered')
  expect([targets.ops?.perMinute, targets.soc?.perMinute]).toEqual([10, 60])
  expect(settings.routes[2]?.quiet).toEqual({
    days: ['fri', 'sat'],
    from: 1_320,
    to: 420,
    zone: 'Europe/Berlin',
  })
  expect(settings.console).toBe('https://console.example')
})

test.each([
  ['routes: [{ to: [ops] }]', ['routes.0.to names ops, which is none of the targets']],
  ['routes: [{ to: nobody }]', ['routes.0.to must be none, or a list of targets']],
  ['routes: [{ to: [] }]', ['routes.0.to must be none, or a list of targets']],
  ['routes: [{}]', ['routes.0.to must be none, or a list of targets']],
  [
    "routes: [{ to: none, quiet: { from: '25:00', to: '07:00', zone: UTC } }]",
    ['routes.0.quiet.from must be a time of day as in 22:00'],
  ],
  [
    "routes: [{ to: none, quiet: { from: '22:00', to: '07:00', zone: Mars/Base } }]",
    ['routes.0.quiet.zone must be a time zone as in Europe/Berlin'],
  ],
  [
    'targets: { ops: { type: sms } }',
    ['targets.ops.type must be one of webhook, slack, teams, pagerduty, email'],
  ],
  ['targets: { ops: { type: slack } }', ['targets.ops.url must be the secret, or { file: PATH }']],
  [
    'targets: { ops: { type: slack, url: { path: x } } }',
    ['targets.ops.url must be the secret, or { file: PATH }'],
  ],
  [
    'targets: { m: { type: email, host: h, from: "a@b.example, c@d.example", to: [x] } }',
    ['targets.m.to.0 must be one mail address', 'targets.m.from must be one mail address'],
  ],
])('what is wrong is named: %s', (yaml, problems) => {
  expect(wrong(yaml)).toEqual(problems)
})

test.each([
  ['a URL without TLS', "{ type: slack, url: 'http://hook.example/SECRET' }"],
  ['a URL with a password', "{ type: slack, url: 'https://a:SECRET@hook.example/' }"],
  ['a URL that is none', "{ type: slack, url: 'SECRET' }"],
  ['another scheme', "{ type: slack, url: 'file:///SECRET', allowPrivate: true }"],
  [
    'a short signing secret',
    "{ type: webhook, url: 'https://a.example', secrets: [whsec_SECRET] }",
  ],
  ['a file that is not there', '{ type: pagerduty, routingKey: { file: /nowhere/to/be/found } }'],
  ['a file that is empty', '{ type: pagerduty, routingKey: { file: /dev/null } }'],
])('a target with %s is refused by its name, and no secret is told', (_, target) => {
  const { targets } = read(`targets: { bad: ${target} }`)

  const open = (): unknown => openTargets(targets, { now })

  expect(open).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  expect(open).toThrow(/^The alert target bad /)
  expect(open).not.toThrow(/SECRET/)
})
