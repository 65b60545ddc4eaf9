import type { Writable } from 'node:stream'
import { z } from 'zod'
import { duration, size, word } from '../../config/values.ts'
import { isEntry, type LoggedLine } from '../entry.ts'
import { ecs } from '../formats/ecs.ts'
import { type Format, PERSONAL } from '../formats/facts.ts'
import { ocsf } from '../formats/ocsf.ts'
import { ocsfFinding } from '../formats/ocsf-finding.ts'
import { otlp } from '../formats/otlp.ts'
import { ownJson } from '../formats/own-json.ts'
import { fileOutput } from './file-output.ts'
import { BODY_KINDS, type BodyName } from './https-bodies.ts'
import { httpsOutput } from './https-output.ts'
import type { AuditOutput, OutputDependencies } from './output.ts'
import { standardOutput } from './standard-output.ts'
import type { SyslogOrigin } from './syslog-frame.ts'
import { syslogOutput } from './syslog-output.ts'

const FORMATS = ['json', 'ocsf', 'ecs'] as const

const common = {
  name: word,
  format: z.enum(FORMATS).optional(),
  personal: z.enum(PERSONAL).default('none'),
}

const file = z.string().min(1).max(4_096)

const tlsFiles = {
  caFile: file.optional(),
  certificateFile: file.optional(),
  keyFile: file.optional(),
  serverName: z.string().min(1).max(253).optional(),
}

const waiting = {
  queueEntries: z.int().min(1).max(1_000_000).default(50_000),
  queueBytes: size
    .refine((bytes) => bytes >= 1e6 && bytes <= 4e9, 'must be 1MB to 4GB')
    .default(64_000_000),
  timeout: duration.default(10_000),
}

const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]{1,64}$/, 'must be a header name')

const headerValue = z
  .string()
  .max(8_192)
  .regex(/^[\x20-\x7e\t]*$/, 'must be printable ASCII')

/**
 * One output of the audit log, by its `type`. What is personal goes to none unless it asks:
 * `network` for the client's network, `full` for address, name and agent. `headers` hold secrets.
 */
export const auditOutput = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('stdout'), ...common }),
  z.strictObject({
    type: z.literal('file'),
    ...common,
    path: file,
    maxBytes: size.refine((bytes) => bytes >= 1e5, 'must be at least 100kB').default(100_000_000),
    keep: z.int().min(1).max(1_000).default(10),
  }),
  z.strictObject({
    type: z.literal('syslog'),
    ...common,
    host: z.string().regex(/^[\w.:-]{1,253}$/, 'must be a host name or an address'),
    port: z.int().min(1).max(65_535).default(6_514),
    plain: z.boolean().default(false),
    ...tlsFiles,
    ...waiting,
  }),
  z
    .strictObject({
      type: z.literal('https'),
      ...common,
      url: z
        .url({ protocol: /^https?$/, message: 'must be an http or https URL' })
        .max(2_048)
        .refine((text) => !/[@#]/.test(text), 'must be without credentials and fragment'),
      body: z.enum(BODY_KINDS).default('lines'),
      headers: z.record(headerName, headerValue).default({}),
      allowPlain: z.boolean().default(false),
      batchEntries: z.int().min(1).max(10_000).default(500),
      ...tlsFiles,
      ...waiting,
    })
    .refine(({ body, format }) => body !== 'otlp' || format === undefined, {
      path: ['format'],
      message: 'must be left out: otlp has a format of its own',
    }),
])

export type AuditOutputConfig = z.infer<typeof auditOutput>

export interface OpenOutputsDependencies extends OutputDependencies {
  /** `process.stdout`. */
  readonly stdout: Writable
  /** Who sends, as syslog tells it. */
  readonly origin: SyslogOrigin
  /** Of this software. */
  readonly version: string
}

const BATCH_BYTES = 1_000_000
const BACK_OFF = { firstMs: 500, mostMs: 60_000 }

/**
 * Opens outputs as they are configured; connections and files are opened when there is something to
 * send. Throws `config_invalid` where one could never work.
 */
export function openOutputs(
  configs: readonly AuditOutputConfig[],
  dependencies: OpenOutputsDependencies,
): readonly AuditOutput[] {
  return configs.map((config) => openOutput(config, dependencies))
}

function openOutput(config: AuditOutputConfig, dependencies: OpenOutputsDependencies): AuditOutput {
  const { name } = config
  const format = formatOf(config)
  switch (config.type) {
    case 'stdout':
      return standardOutput({ name, format, stream: dependencies.stdout }, dependencies)
    case 'file': {
      const { path, maxBytes, keep } = config
      return fileOutput({ name, format, path, maxBytes, keep }, dependencies)
    }
    case 'syslog': {
      const { host, port, plain } = config
      const { origin } = dependencies
      const options = { ...deliveryOf(config, 500), format, host, port, origin }
      return syslogOutput({ ...options, tls: plain ? null : config }, dependencies)
    }
    case 'https': {
      const { url, body, headers, allowPlain, batchEntries } = config
      const { version } = dependencies
      const options = { ...deliveryOf(config, batchEntries), format, url, body, headers }
      return httpsOutput({ ...options, allowPlain, version, tls: config }, dependencies)
    }
  }
}

function deliveryOf(
  config: Extract<AuditOutputConfig, { readonly type: 'syslog' | 'https' }>,
  entries: number,
) {
  const { name, queueEntries, queueBytes, timeout } = config
  return {
    name,
    queue: { entries: queueEntries, bytes: queueBytes },
    batch: { entries, bytes: BATCH_BYTES },
    backOff: BACK_OFF,
    timeoutMs: timeout,
  }
}

/** OTLP has a format of its own, and Elastic's queries know ECS. */
function formatOf(config: AuditOutputConfig): (entry: LoggedLine) => object {
  const { personal } = config
  const body: BodyName = config.type === 'https' ? config.body : 'lines'
  const preset = body === 'elastic' ? 'ecs' : 'ocsf'
  const format = body === 'otlp' ? otlp : FORMAT[config.format ?? preset]
  return (entry) => format(entry, { personal })
}

const FORMAT: Readonly<Record<(typeof FORMATS)[number], Format>> = {
  json: ownJson,
  ocsf: (line, options) => (isEntry(line) ? ocsf(line, options) : ocsfFinding(line, options)),
  ecs,
}
