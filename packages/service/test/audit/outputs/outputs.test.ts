import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { timer } from '../../../src/audit/outputs/output.ts'
import {
  auditOutput,
  type OpenOutputsDependencies,
  openOutputs,
} from '../../../src/audit/outputs/outputs.ts'
import { ADA, ALL_TYPES, entriesFrom, entryWithSecrets, SECRET_PARTS } from '../entries.ts'
import { dependencies, folder, receiver, until } from './support.ts'

function world(stdout = new PassThrough()): OpenOutputsDependencies {
  const origin = { hostname: 'auth-1', processId: '1' }
  return { ...dependencies(), later: timer, stdout, origin, version: '1.2.3' }
}

test('each kind of output is opened as it is configured', async () => {
  const path = join(folder(), 'audit.jsonl')
  const { url, received } = await receiver((response) => response.end('{"errors":false}'))
  const stdout = new PassThrough()
  const configs = [
    { type: 'stdout', name: 'console' },
    { type: 'file', name: 'copy', path, format: 'json', personal: 'full' },
    { type: 'https', name: 'elastic', url, body: 'elastic', personal: 'network' },
    { type: 'https', name: 'collector', url: `${url}/v1/logs`, body: 'otlp' },
  ].map((one) => auditOutput.parse(one))
  const outputs = openOutputs(configs, world(stdout))
  onTestFinished(async () => {
    for (const output of outputs) await output.close(0)
  })

  for (const output of outputs) output.send(entriesFrom(0, 2))
  await until(() => outputs.every((output) => output.delivered() === 1))

  expect(outputs.map(({ name }) => name)).toEqual(['console', 'copy', 'elastic', 'collector'])
  const console = String(stdout.read())
  expect(JSON.parse(console.split('\n')[0] ?? '')).toMatchObject({ class_uid: 3002 })
  expect(console).not.toContain('203.0.113')
  expect(JSON.parse(readFileSync(path, 'utf8').split('\n')[0] ?? '').personal).toMatchObject({
    name: ADA.subject,
    address: ADA.address,
  })
  const bodies = received.map(({ body }) => body)
  expect(bodies.find((body) => body.includes('"ecs"'))).toContain('203.0.113.0/24')
  expect(bodies.find((body) => body.includes('resourceLogs'))).not.toContain('203.0.113')
})

test('no output contains a token or a secret that came with an entry', async () => {
  const path = join(folder(), 'audit')
  const syslog: Buffer[] = []
  const server = createServer((socket) => void socket.on('data', (chunk) => syslog.push(chunk)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const { url, received } = await receiver((response) => response.end('{"errors":false}'))
  const configs = [
    ...['json', 'ocsf', 'ecs'].map((format) => ({
      ...{ type: 'file', name: format, format, path: `${path}.${format}` },
    })),
    ...['lines', 'splunk', 'elastic', 'otlp'].map((body) => ({
      ...https(),
      name: body,
      url,
      body,
    })),
    { type: 'syslog', name: 'syslog', host: '127.0.0.1', port, plain: true },
    { type: 'stdout', name: 'console' },
  ].map((one) => auditOutput.parse({ ...one, personal: 'full' }))
  const stdout = new PassThrough()
  const printed: Buffer[] = []
  stdout.on('data', (chunk) => printed.push(chunk))
  const outputs = openOutputs(configs, world(stdout))
  onTestFinished(async () => {
    for (const output of outputs) await output.close(0)
  })

  const entries = ALL_TYPES.map((type, index) => ({ ...entryWithSecrets(type), index }))
  for (const output of outputs) output.send(entries)
  await until(() => outputs.every((output) => output.state().sent === entries.length))
  await until(() => Buffer.concat(syslog).includes('from-the-future'))

  const texts = [
    ...['json', 'ocsf', 'ecs'].map((format) => readFileSync(`${path}.${format}`, 'utf8')),
    ...received.map(({ body }) => body),
    Buffer.concat(syslog).toString(),
    Buffer.concat(printed).toString(),
  ]
  expect(texts).toHaveLength(9)
  for (const text of texts) {
    expect(text).toContain('[token]')
    for (const part of SECRET_PARTS) expect(text).not.toContain(part)
  }
})

test('nothing personal leaves unless it is asked for', () => {
  expect(auditOutput.parse({ type: 'stdout', name: 'console' })).toMatchObject({ personal: 'none' })
})

test.each([
  ['an unknown type', { type: 'kafka', name: 'a' }],
  ['an unknown key', { type: 'stdout', name: 'a', colour: 'red' }],
  ['no name', { type: 'stdout' }],
  ['an unknown format', { type: 'stdout', name: 'a', format: 'cef' }],
  ['a format beside OTLP', { ...https(), body: 'otlp', format: 'ecs' }],
  ['credentials in the address', { ...https(), url: 'https://user:secret@siem.example/' }],
  ['a line end in a header', { ...https(), headers: { authorization: 'a\r\nx: y' } }],
  ['a header name that is none', { ...https(), headers: { 'a b': 'c' } }],
  ['another scheme', { ...https(), url: 'ftp://siem.example/' }],
  ['a host with a space', { type: 'syslog', name: 'a', host: 'a b' }],
  ['a port that is none', { type: 'syslog', name: 'a', host: 'a', port: 70_000 }],
  ['a queue without room', { ...https(), queueBytes: '1kB' }],
])('%s is no output', (_, config) => {
  expect(auditOutput.safeParse(config).success).toBe(false)
})

test.each([
  ['plain syslog to another machine', { type: 'syslog', name: 'a', host: 'siem', plain: true }],
  ['plain HTTP to another machine', { ...https(), url: 'http://siem.example/' }],
])('%s is refused when it is opened', (_, config) => {
  expect(() => openOutputs([auditOutput.parse(config)], world())).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  )
})

function https() {
  return { type: 'https', name: 'siem', url: 'https://siem.example/' }
}
