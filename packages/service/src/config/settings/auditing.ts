import { z } from 'zod'
import { alerting } from '../../audit/alerts/settings.ts'
import { auditOutput } from '../../audit/outputs/outputs.ts'
import { setting } from '../setting.ts'
import { database, duration, size } from '../values.ts'

const path = z.string().min(1).max(4_096)
const MOST_OUTPUTS = 16
const LEAST_BACKLOG_BYTES = 1e6
const LEAST_KEEP_MS = 86_400_000

const outputs = z
  .array(auditOutput)
  .max(MOST_OUTPUTS)
  .refine(
    (all) => new Set(all.map(({ name }) => name)).size === all.length,
    'must have a name of its own in each entry',
  )

/** The audit log, what is found in it, and who is told. */
export const auditing = {
  auditDirectory: setting(path.optional(), {
    about:
      'Directory of the audit log: one process of all that name one writes every event of the ' +
      'store there, proves it, searches it and looks for what is wrong. Off without it. See ' +
      '[audit](audit.md).',
    example: '/var/lib/holdfast/audit',
    reading: 'text',
  }),
  auditKey: setting(path.optional(), {
    about:
      'File of the key that signs the audit log, from `holdfast audit keys new FILE`. Without ' +
      'it, one is made inside `auditDirectory`, where whoever can change the log finds it.',
    example: '/etc/holdfast/audit.key',
    reading: 'text',
  }),
  auditMachine: setting(
    z
      .string()
      .regex(/^[\w.:-]{1,253}$/, 'must be 1 to 253 letters, digits, ".", ":", "-" or "_"')
      .optional(),
    {
      about:
        'What other processes call the machine that has `auditDirectory`, where one of them is ' +
        'asked for what is logged there. Processes that share a directory say the same. Default: ' +
        'the name of the host.',
      example: 'eu-1.example.com',
      reading: 'text',
    },
  ),
  auditDatabase: setting(database.optional(), {
    about:
      'PostgreSQL for the index of searches, instead of a file in `auditDirectory`: then every ' +
      'process that names it answers searches, on any machine. Another machine is reached over ' +
      'TLS, unless `?sslmode=disable` follows. See [search](search.md#in-postgresql).',
    example: 'postgres://holdfast:LONG-RANDOM-PASSWORD@db.internal/holdfast',
    reading: 'text',
    secret: true,
  }),
  auditDatabaseCa: setting(path.optional(), {
    about:
      'File of the authorities (PEM) that the certificate of `auditDatabase` is checked against, ' +
      'instead of those of the system.',
    example: '/etc/holdfast/postgres-ca.pem',
    reading: 'text',
  }),
  auditPersonal: setting(z.enum(['full', 'network', 'none']).optional(), {
    about:
      'What events keep of who somebody is, sealed apart: `full` (name, address, user agent), ' +
      '`network` (the address as its /24 or /64), `none`. Default: `full` with ' +
      '`auditDirectory`, else `none`. All processes of a store should say the same.',
    example: 'network',
    reading: 'text',
  }),
  auditKeep: setting(
    duration
      .refine((ms) => ms >= LEAST_KEEP_MS, 'must be at least a day')
      .default(400 * 86_400_000),
    {
      about:
        'How long searches and incidents go back, and personal parts of events without a ' +
        'subject can be read. The lines of the log stay.',
      example: '400d',
      reading: 'text',
    },
  ),
  auditBacklogBytes: setting(
    size.refine((bytes) => bytes >= LEAST_BACKLOG_BYTES, 'must be at least 1MB').optional(),
    {
      about:
        'How much may wait in the store for the audit log, beside `feedBytes`. Beyond that, ' +
        'changes are answered 503, and orders that end sessions are taken (default 256MB).',
      example: '256MB',
      reading: 'text',
    },
  ),
  auditOutputs: setting(outputs.default([]), {
    about:
      'Where events of the audit log go besides: `stdout`, `file`, `syslog` (RFC 5424 over TLS) ' +
      'or `https`, as OCSF, ECS, OTLP or own JSON. See [audit](audit.md#outputs).',
    example: '[{ name: siem, type: syslog, host: siem.example.com }]',
    reading: 'yaml',
    secret: true,
  }),
  findingRules: setting(path.optional(), {
    about:
      'File of rules over events (YAML), instead of the ones that come along. It is taken up ' +
      'when it changes. See [findings](findings.md).',
    example: '/etc/holdfast/rules.yaml',
    reading: 'text',
  }),
  ...alerting,
}
