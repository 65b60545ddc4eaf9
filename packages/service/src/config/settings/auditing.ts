import { DEFAULT_SAMPLED_PER_SECOND, SAMPLED_EVENTS, type SampledEvent } from 'holdfast/maintenance'
import { z } from 'zod'
import { alerting } from '../../audit/alerts/settings.ts'
import { auditOutput } from '../../audit/outputs/outputs.ts'
import { type ByClass, byClass, CLASSES } from '../../audit/retention.ts'
import { auditWitnesses } from '../../audit/witness/settings.ts'
import { setting } from '../setting.ts'
import { database, duration, size } from '../values.ts'

const path = z.string().min(1).max(4_096)
const MOST_OUTPUTS = 16
const LEAST_BACKLOG_BYTES = 1e6
const LEAST_KEEP_MS = 86_400_000
const KEEP_MS = 400 * 86_400_000

const keptFor = duration.refine((ms) => ms >= LEAST_KEEP_MS, 'must be at least a day')

/** One time for all classes, or some classes with times of their own. */
const keep = z.preprocess(
  (written) => (typeof written === 'string' ? { default: written } : written),
  z
    .strictObject({
      default: keptFor.default(KEEP_MS),
      ...Object.fromEntries(CLASSES.map((name) => [name, keptFor.optional()])),
    })
    .transform((written): ByClass => {
      const own = written as Partial<Record<string, number>>
      return byClass((name) => own[name] ?? written.default)
    }),
)

const outputs = z
  .array(auditOutput)
  .max(MOST_OUTPUTS)
  .refine(
    (all) => new Set(all.map(({ name }) => name)).size === all.length,
    'must have a name of its own in each entry',
  )

const share = z.number().min(0).max(1)
const shares = z.strictObject(
  Object.fromEntries(SAMPLED_EVENTS.map((type) => [type, share.optional()])) as Record<
    SampledEvent,
    z.ZodOptional<typeof share>
  >,
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
  auditWitnesses: setting(auditWitnesses.default([]), {
    about:
      'Witnesses that are given each checkpoint (C2SP tlog-witness) and sign that the log has ' +
      'only grown since the one before: `holdfast audit witness` is one. The key is its verifier ' +
      'key. See [audit](audit.md#witnesses).',
    example:
      '[{ url: https://witness.example, ' +
      'key: witness.example+b165bd7f+BNPI0kSYEqNVhnbW6E47Rpi5VU//g5GkflwbVYx8qBKr }]',
    reading: 'yaml',
  }),
  auditWitnessQuorum: setting(z.int().min(1).optional(), {
    about:
      'How many of `auditWitnesses` have to sign; when fewer do for an hour, somebody is told. ' +
      'One that refuses is told at once. Default: all.',
    example: '1',
    reading: 'number',
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
  eventSampling: setting(z.union([share, shares]).default(0), {
    about:
      'Which share of the events that come with no change is kept in the store, and so in the ' +
      'audit log, from `0` to `1`: of all, or by type, `{ token-unknown: 0.1, session-presented: ' +
      '1 }`. They are logged in any case. Answers do not wait for it. See ' +
      '[events](events.md#events-that-come-with-no-change).',
    example: '1',
    reading: 'yaml',
  }),
  eventSamplingPerSecond: setting(z.int().min(1).max(10_000).default(DEFAULT_SAMPLED_PER_SECOND), {
    about:
      'Most events of each type that a process keeps in a second by `eventSampling`. The next ' +
      'kept one says in `more` how many there were beyond.',
    example: '32',
    reading: 'number',
  }),
  auditKeep: setting(keep.prefault('400d'), {
    about:
      'How long the audit log keeps what happened, in its lines, searches and incidents: one ' +
      'time, or others for `login` (and logout), `session` (its use), `detection` and `account` ' +
      '(changes, the service). The log still proves what it no longer has. See ' +
      '[audit](audit.md#how-long-it-is-kept).',
    example: '{ default: 400d, session: 90d }',
    reading: 'yaml',
  }),
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
