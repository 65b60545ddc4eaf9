import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { folder, until } from './support.ts'

export interface Certificates {
  readonly caFile: string
  /** For `localhost`, signed by the authority. */
  readonly certificateFile: string
  readonly keyFile: string
}

/** An authority of a test's own, and what it has signed. */
export function certificates(): Certificates {
  const directory = folder()
  const at = (name: string): string => join(directory, name)
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { stdio: 'ignore' })
  }
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const authority = ['-x509', '-days', '2', '-subj', '/CN=authority of a test']
  openssl('req', ...authority, ...key, '-keyout', at('ca.key'), '-out', at('ca.pem'))
  openssl(
    ...['req', '-x509', '-days', '2', '-CA', at('ca.pem'), '-CAkey', at('ca.key'), ...key],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
    ...['-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-keyout', at('key.pem'), '-out', at('cert.pem')],
  )
  return { caFile: at('ca.pem'), certificateFile: at('cert.pem'), keyFile: at('key.pem') }
}

/** Whether this machine has rsyslog with TLS; else why a test is passed over. */
export function rsyslogMissing(): string | undefined {
  if (!PROGRAMS.some(existsSync)) return 'rsyslogd is not installed'
  if (!DRIVERS.some(existsSync)) return 'rsyslog-gnutls is not installed'
  return undefined
}

export interface Rsyslog {
  readonly port: number
  /** What it has written: a line a message. */
  lines(): readonly string[]
}

/**
 * A receiver of others' making, that reads octet counts, headers and structured data by itself. It
 * runs with a configuration and a port of its own, as a child of the test.
 */
export async function startRsyslog(
  { caFile, certificateFile, keyFile }: Certificates,
  authMode: 'anon' | 'x509/certvalid' = 'anon',
): Promise<Rsyslog> {
  const directory = folder()
  const at = (name: string): string => join(directory, name)
  writeFileSync(
    at('rsyslog.conf'),
    `global(
      workDirectory="${directory}"
      DefaultNetstreamDriver="gtls"
      DefaultNetstreamDriverCAFile="${caFile}"
      DefaultNetstreamDriverCertFile="${certificateFile}"
      DefaultNetstreamDriverKeyFile="${keyFile}"
    )
    module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1"
      StreamDriver.AuthMode="${authMode}")
    input(type="imtcp" address="127.0.0.1" port="0" listenPortFileName="${at('port')}")
    template(name="line" type="string"
      string="%pri% %app-name% %msgid% %structured-data% %msg%\\n")
    action(type="omfile" file="${at('messages')}" template="line")
    `,
  )
  const program = PROGRAMS.find(existsSync) ?? 'rsyslogd'
  const args = ['-n', '-f', at('rsyslog.conf'), '-i', at('pid')]
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  await until(() => {
    if (child.exitCode !== null) throw new Error(said)
    return existsSync(at('port')) && readFileSync(at('port'), 'utf8') !== ''
  })
  return {
    port: Number(readFileSync(at('port'), 'utf8')),
    lines: () =>
      existsSync(at('messages')) ? readFileSync(at('messages'), 'utf8').trimEnd().split('\n') : [],
  }
}

const PROGRAMS = ['/usr/sbin/rsyslogd', '/usr/local/sbin/rsyslogd']

const DRIVERS = ['x86_64-linux-gnu', 'aarch64-linux-gnu', '.'].map(
  (place) => `/usr/lib/${place}/rsyslog/lmnsd_gtls.so`,
)
