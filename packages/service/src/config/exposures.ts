import { isLoopbackAddress, isLoopbackHost } from 'holdfast/network'
import type { Problem } from './problem.ts'
import { type Config, factsOf, type SettingName } from './schema.ts'
import type { Listen } from './values.ts'

/** Browsers keep no cookie longer (RFC 6265bis). */
const LONGEST_SESSION_MS = 400 * 86_400_000

/** `origin` names a setting as it was written. */
type Origin = (name: SettingName) => string

/**
 * What a configuration opens to the network, or leaves open for longer than anybody means. Nothing
 * of it keeps the service from starting: containers listen on all addresses.
 */
export function exposuresOf(config: Config, origin: Origin): readonly Problem[] {
  return [
    ...openListeners(config, origin),
    ...openStore(config, origin),
    ...openDatabase(config, origin),
    ...plainAddresses(config, origin),
    ...longLives(config, origin),
    ...auditing(config, origin),
  ]
}

function openListeners(config: Config, origin: Origin): readonly Problem[] {
  const { listen, managementListen, gateListen, grpcListen, gatePeers } = config
  const problems: Problem[] = []
  for (const [name, where] of Object.entries({ listen, managementListen }) as [
    'listen' | 'managementListen',
    Listen,
  ][]) {
    if (!isOpen(where)) continue
    const fix =
      name === 'listen'
        ? 'Name one address of this machine, or let only your own networks reach the port: ' +
          'API keys travel in clear text.'
        : 'Name one address, or let only the monitoring reach the port: it asks for no key.'
    problems.push({ field: origin(name), problem: ALL, fix })
  }
  for (const [name, where] of Object.entries({ gateListen, grpcListen }) as [
    'gateListen' | 'grpcListen',
    Listen | 'off',
  ][]) {
    if (where === 'off' || !isOpen(where) || gatePeers.length > 0) continue
    problems.push({
      field: origin(name),
      problem: `${ALL}, and gatePeers names nobody: a key in clear text tells a gateway`,
      fix: `Name one address, or the gateways like: gatePeers: [${factsOf('gatePeers').example}]`,
    })
  }
  return problems
}

const ALL = 'listens on all addresses of this machine'

function openStore({ store, storePassword, allowEviction }: Config, origin: Origin): Problem[] {
  if (store.kind !== 'redis') return []
  const problems: Problem[] = []
  const away = store.hosts.some(({ host }) => !isHere(host))
  if (away && !store.tls) {
    const secret = storePassword ?? store.password
    problems.push({
      field: origin('store'),
      problem:
        secret === undefined
          ? 'reaches Redis on another machine without TLS and without a password'
          : 'sends the password of Redis to another machine in clear text',
      fix: 'Write the address with rediss:// or valkeys://, or keep the network to yourself.',
    })
  }
  if (allowEviction) {
    problems.push({
      field: origin('allowEviction'),
      problem: 'lets Redis forget that a session was revoked',
      fix: 'Set maxmemory-policy to noeviction in Redis and remove this setting.',
    })
  }
  return problems
}

function openDatabase({ auditDatabase }: Config, origin: Origin): Problem[] {
  if (auditDatabase === undefined || auditDatabase.tls) return []
  const { host } = auditDatabase
  if (host.startsWith('/') || isHere(host)) return []
  return [
    {
      field: origin('auditDatabase'),
      problem: 'sends who people are to a PostgreSQL on another machine in clear text',
      fix: 'Remove sslmode=disable, or keep the network to yourself.',
    },
  ]
}

function plainAddresses(config: Config, origin: Origin): Problem[] {
  const { origins, loginUrl, stepUpUrl, refusedUrl, issuer, notices } = config
  const pages = { loginUrl, stepUpUrl, refusedUrl, issuer, notices: notices?.url }
  const named = { origins: origins.join(' '), ...pages }
  return Object.entries(named).flatMap(([name, text = '']) => {
    const plain = text.split(' ').find(isPlain)
    if (plain === undefined) return []
    return [
      {
        field: origin(name as keyof typeof named),
        problem: `names ${new URL(plain).origin}, which is reached without TLS`,
        fix: 'Write https://. Sessions do not travel over plain HTTP.',
      },
    ]
  })
}

function isPlain(text: string): boolean {
  if (!/^http:\/\//i.test(text) || !URL.canParse(text)) return false
  return !isHere(new URL(text).hostname)
}

function longLives({ absoluteTimeout, classes, tenants }: Config, origin: Origin): Problem[] {
  const all: (readonly [string, number | undefined])[] = [
    [origin('absoluteTimeout'), absoluteTimeout],
    ...Object.entries(classes).map(
      ([name, { absolute }]) => [`${origin('classes')}.${name}`, absolute] as const,
    ),
    ...Object.entries(tenants).flatMap(([tenant, own]) =>
      Object.entries(own).map(
        ([name, { absolute }]) => [`${origin('tenants')}.${tenant}.${name}`, absolute] as const,
      ),
    ),
  ]
  return all
    .filter(([, ms]) => ms !== undefined && ms > LONGEST_SESSION_MS)
    .map(([field]) => ({
      field,
      problem: 'lets a session live longer than browsers keep a cookie (400 days)',
      fix: 'Shorten it: who steals such a session has it for as long.',
    }))
}

/** What keeps the audit log from being believed, heard, or kept to those whom it is for. */
function auditing(config: Config, origin: Origin): Problem[] {
  const { auditDirectory, auditKey, alerts, auditOutputs } = config
  if (auditDirectory === undefined) return []
  const problems: Problem[] = []
  if (auditKey === undefined) {
    problems.push({
      field: origin('auditDirectory'),
      problem: 'holds the key that signs the log: whoever can change the log can sign it',
      fix: 'Make one elsewhere with "holdfast audit keys new FILE" and name it in auditKey.',
    })
  }
  const { targets, routes } = alerts
  if (Object.keys(targets).length === 0 || isNowhere(routes)) {
    problems.push({
      field: origin('alerts'),
      problem: 'tells nobody of what is found in the audit log',
      fix: `Name who is to hear, for example: ${factsOf('alerts').example}`,
    })
  }
  for (const [at, output] of auditOutputs.entries()) {
    const host = plainHostOf(output)
    if (host === undefined || isHere(host)) continue
    problems.push({
      field: `${origin('auditOutputs')}.${at}`,
      problem: `sends the audit log to ${host} in clear text`,
      fix: 'Use TLS, or send it to a collector on this machine.',
    })
  }
  return problems
}

function isNowhere(routes: Config['alerts']['routes']): boolean {
  return routes.length > 0 && routes.every(({ to }) => to === 'none')
}

/** Where an output goes without TLS. */
function plainHostOf(output: Config['auditOutputs'][number]): string | undefined {
  if (output.type === 'syslog') return output.plain ? output.host : undefined
  if (output.type !== 'https' || !/^http:/i.test(output.url)) return undefined
  return new URL(output.url).hostname
}

function isHere(host: string): boolean {
  return isLoopbackHost(host) || isLoopbackAddress(host)
}

function isOpen(where: Listen): boolean {
  return 'host' in where && ['0.0.0.0', '::'].includes(where.host)
}
