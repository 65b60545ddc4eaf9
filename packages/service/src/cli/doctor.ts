import { type Asked, type Command, EXIT, fetchUntil, printable, UsageError } from 'holdfast/cli'
import { arrival, checker } from 'holdfast/wire'
import { examine } from '../doctor/examine.ts'
import { CONFIG_OPTION } from './config-option.ts'
import { REMOTE_OPTIONS, remoteOf } from './remote.ts'

/** Looks at an installation. */
export const doctorCommands: readonly Command[] = [
  {
    name: 'doctor',
    about: 'Look at a running installation, and say what to do',
    usage: '',
    details:
      'Run it where the service runs, with the same variables and file. It looks at the ' +
      'configuration, the files, the\n' +
      'store (rights, eviction, clock), the ages of keys and geo data, and asks the service ' +
      'whether it is ready.\n' +
      'Exit code 1 when there is a fault; warnings may be meant so.\n' +
      'With --request it asks the service at --url how the request arrived: whose word about ' +
      'the client counted. Name\n' +
      'the address that clients use, so that the request goes through your proxies.',
    options: {
      ...CONFIG_OPTION,
      request: { type: 'boolean', about: 'Ask how a request arrives' },
      ...REMOTE_OPTIONS,
    },
    arguments: [0, 0],
    examples: [
      'holdfast doctor --config /etc/holdfast/holdfast.yaml',
      'holdfast doctor --request --url https://auth.example.com --key-file /run/secrets/key',
    ],
    run: (asked) => (asked.flag('request') ? showArrival(asked) : showFindings(asked)),
  },
]

async function showFindings(asked: Asked): Promise<number> {
  const { env, out } = asked
  if (['url', 'key', 'key-file'].some((name) => asked.text(name) !== undefined)) {
    throw new UsageError('--url and the keys are for --request.')
  }
  const findings = await examine({ file: asked.text('config'), env })
  const faults = findings.filter(({ level }) => level === 'fault').length
  for (const { check, level, finding, mend } of findings) {
    out.line(printable(`${level}: ${check}: ${finding}. ${mend}`))
  }
  const warnings = findings.length - faults
  out.line(findings.length === 0 ? 'All is well.' : `${faults} faults, ${warnings} warnings.`)
  out.value({ ok: faults === 0, findings })
  return faults === 0 ? EXIT.done : EXIT.failed
}

async function showArrival(asked: Asked): Promise<number> {
  const { out } = asked
  const { url, key } = remoteOf(asked)
  const body: unknown = await arrived(url, key)
  const check = checker(arrival, 'answer')
  if (!check.accepts(body)) {
    out.note(`${url} does not say how requests arrive: is it a Holdfast of this version?`)
    return EXIT.failed
  }
  const { peer, peerTrusted, address, headers } = body
  out.line(`peer:    ${peer ?? 'a unix socket'}, ${peerTrusted ? 'one of' : 'none of'} the proxies`)
  out.line(`address: ${address ?? 'unknown'}`)
  for (const { name, value, believed } of headers) {
    out.line(printable(`${believed ? 'believed' : 'ignored '} ${name}: ${value}`))
  }
  const unheard = !peerTrusted && headers.length > 0
  if (unheard) {
    out.line(`If ${peer} is your proxy, name it in HOLDFAST_TRUSTED_PROXIES.`)
  }
  out.value(body)
  return EXIT.done
}

const TIMEOUT_MS = 10_000

async function arrived(url: string, key: string): Promise<unknown> {
  try {
    const answer = await fetchUntil(fetch, `${url}/v1/request`, {
      headers: { authorization: `Bearer ${key}` },
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    return await answer.json()
  } catch {
    return undefined
  }
}
