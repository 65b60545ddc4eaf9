import { randomFillSync } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SessionError } from 'holdfast'
import { type Asked, type Command, EXIT, type Option, printable, UsageError } from 'holdfast/cli'
import { parseKeyring } from 'holdfast/maintenance'
import { parseDuration } from 'holdfast/wire'
import type { Line } from '../audit/log/lines.ts'
import { newNoteKey, noteSigner } from '../audit/log/note.ts'
import { openVault, VAULT } from '../audit/log/personal.ts'
import { proveLine, verifyProof } from '../audit/log/proof.ts'
import { readLog } from '../audit/log/read.ts'
import type { Remark } from '../audit/log/verdict.ts'
import { type AuditVerdict, verifyAudit } from '../audit/log/verify.ts'
import { cosigner, type WitnessPolicy, witnessVerifier } from '../audit/witness/cosignature.ts'
import { createWitnessState } from '../audit/witness/witness.ts'
import { instantIn, LINE_TYPES, type Personal, summary, typeIn } from './audit-line.ts'

const KEY_OPTION: Readonly<Record<string, Option>> = {
  key: {
    type: 'string',
    value: 'FILE|TEXT',
    about: 'Verifier key, as "audit keys" has printed it; in a file one a line',
  },
}

const DEFAULT_NAMES = { log: 'holdfast-audit', witness: 'holdfast-witness' } as const

/** ECMA-262, section 21.4.1.1. */
const LAST_DATE_MS = 8.64e15

const WITNESS_OPTIONS: Readonly<Record<string, Option>> = {
  witness: {
    type: 'string',
    value: 'FILE|TEXT',
    about: 'Verifier key of a witness that has to have signed; in a file one a line',
  },
  quorum: {
    type: 'string',
    value: 'N',
    about: 'How many of these witnesses are enough (default all)',
  },
}

/** The audit log in its directory: no service has to run, and none is asked. */
export const auditCommands: readonly Command[] = [
  {
    name: 'audit keys',
    about: 'Make the key that signs the audit log',
    usage: 'new FILE',
    details:
      'Writes a new Ed25519 key to FILE, readable by this user alone, and prints its verifier ' +
      'key. Give that to\n' +
      'whoever is to check the log, and keep a copy where nobody who can change the log can ' +
      'change it.',
    options: {
      name: {
        type: 'string',
        value: 'NAME',
        about:
          'Whose key it is, for example auth.example.com/audit ' +
          '(default holdfast-audit, holdfast-witness)',
      },
      witness: {
        type: 'string',
        value: 'STATE',
        about: 'Make the key of a witness, and the file STATE, where it keeps what it has signed',
      },
    },
    arguments: [2, 2],
    examples: [
      'holdfast audit keys new /etc/holdfast/audit.key --name auth.example.com/audit',
      'holdfast audit keys new witness.key --name witness.example --witness witness.state',
    ],
    async run({ arguments: [what, path = ''], text, out }) {
      if (what !== 'new') throw new UsageError('It is "holdfast audit keys new FILE".')
      if (existsSync(path)) {
        throw new SessionError('config_invalid', `${path} is there already. It is left as it is.`)
      }
      const state = text('witness')
      const use = state === undefined ? 'log' : 'witness'
      const key = newNoteKey(text('name') ?? DEFAULT_NAMES[use], random, use)
      if (state !== undefined) createWitnessState(state, cosigner(key))
      writeFileSync(path, `${key}\n`, { mode: 0o600, flag: 'wx' })
      const { verifierKey } = state === undefined ? noteSigner(key) : cosigner(key)
      out.line(`Made ${path}. Its verifier key, which is no secret:\n${verifierKey}`)
      out.value({ file: path, verifierKey, ...(state === undefined ? {} : { state }) })
      return EXIT.done
    },
  },
  {
    name: 'audit verify',
    about: 'Prove that nothing in the audit log was changed, and nothing is missing',
    usage: 'DIR...',
    details:
      'Names every line that was deleted, edited, moved, doubled or cut off, and positions of ' +
      'the store that are missing.\n' +
      'Name the directories of all writers together: each has what the others do not have. ' +
      'Exit code 1 when anything\n' +
      'is wrong. Notes are no faults: lines of killed writers, which do not count, or lines that ' +
      'two writers have.\n' +
      'With --witness it says up to where the witnesses have signed, and a log that they have ' +
      'not signed at all is wrong.',
    options: {
      ...KEY_OPTION,
      ...WITNESS_OPTIONS,
      against: {
        type: 'string',
        value: 'FILE',
        about: 'A checkpoint that was kept elsewhere: all that it covers must be there still',
      },
    },
    arguments: [1, 64],
    examples: [
      'holdfast audit verify /var/lib/holdfast/audit --key verifier.txt',
      'holdfast audit verify one two --key verifier.txt --against checkpoint.last-month',
      'holdfast audit verify /var/lib/holdfast/audit --key verifier.txt --witness witnesses.txt',
    ],
    async run(asked) {
      const { arguments: directories, text, out } = asked
      const against = text('against')
      const verdict = verifyAudit(directories, {
        ...verifierKeys(asked),
        ...witnessPolicy(asked),
        ...(against === undefined ? {} : { against: fileText(against, 'The checkpoint') }),
        onProgress: ({ bytes, of }) => {
          if (out.json) return
          out.note(`${mebibytes(bytes)} of ${mebibytes(of)} read ...`)
        },
      })
      out.line(describe(verdict))
      out.value(verdict)
      return verdict.ok ? EXIT.done : EXIT.failed
    },
  },
  {
    name: 'audit prove',
    about: 'Prove that one line is in the audit log, without showing any other',
    usage: 'DIR',
    details:
      'Prints a proof (C2SP tlog-proof) with the line in it and the newest checkpoint, or with ' +
      '--witness the newest\n' +
      'that these have signed. "audit check-proof" checks it without the log.',
    options: {
      event: { type: 'string', value: 'ID', about: 'The event with this id' },
      line: { type: 'string', value: 'N', about: 'The line with this index, from 0' },
      ...WITNESS_OPTIONS,
    },
    arguments: [1, 1],
    examples: ['holdfast audit prove /var/lib/holdfast/audit --event ID > event.tlog-proof'],
    async run(asked) {
      const {
        arguments: [directory = ''],
        text,
        out,
      } = asked
      const [event, line] = [text('event'), text('line')]
      if ((event === undefined) === (line === undefined)) {
        throw new UsageError('Name one of --event ID and --line N.')
      }
      if (line !== undefined && !/^\d{1,15}$/.test(line)) {
        throw new UsageError('--line must be a whole number from 0.')
      }
      const wanted = event === undefined ? { index: Number(line) } : { event }
      const proof = proveLine(directory, wanted, witnessPolicy(asked).witnesses)
      out.line(proof.trimEnd())
      out.value({ proof })
      return EXIT.done
    },
  },
  {
    name: 'audit check-proof',
    about: 'Check a proof that a line is in the audit log, without the log',
    usage: 'FILE',
    details: 'Shows the line that is proven. Exit code 1 when the proof does not hold.',
    options: { ...KEY_OPTION, ...WITNESS_OPTIONS },
    arguments: [1, 1],
    examples: [
      'holdfast audit check-proof event.tlog-proof --key verifier.txt',
      'holdfast audit check-proof event.tlog-proof --key verifier.txt --witness witnesses.txt',
    ],
    async run(asked) {
      const {
        arguments: [path = ''],
        out,
      } = asked
      const { verifierKeys: keys } = verifierKeys(asked)
      if (keys === undefined) throw new UsageError('Name the verifier key: --key.')
      const { witnesses } = witnessPolicy(asked)
      const checked = verifyProof(fileText(path, 'The proof'), keys, witnesses)
      out.value(checked)
      if (!checked.ok) {
        out.note(`holdfast: ${printable(path)} proves nothing: ${checked.problem}.`)
        return EXIT.failed
      }
      const { index, size, origin, line, cosignatures } = checked
      for (const { witness, at } of cosignatures) {
        out.line(printable(`${witness} has signed these ${size} lines, at ${timeText(at)}.`))
      }
      out.line(printable(`Line ${index} of the ${size} that ${origin} has signed is:`))
      out.line(printable(line))
      return EXIT.done
    },
  },
  {
    name: 'audit show',
    about: 'Show the lines of an audit log',
    usage: 'DIR',
    details:
      'Oldest first. With --json every line is one as it is in the log. It does not look for ' +
      'changes: "audit verify".\n' +
      'The personal part needs the key ring, and is gone for subjects that were erased.',
    options: {
      since: {
        type: 'string',
        value: 'WHEN',
        about: 'Nothing older, for example 2h or 2026-01-31',
      },
      type: { type: 'string', value: 'TYPE', about: 'Events of one type, or lines of one kind' },
      personal: { type: 'boolean', about: 'With the personal part: who, and from which address' },
      keyring: {
        type: 'string',
        value: 'FILE',
        about: 'Key ring of the service (default HOLDFAST_KEYRING)',
      },
    },
    arguments: [1, 1],
    examples: [
      'holdfast audit show /var/lib/holdfast/audit --since 2h',
      'holdfast audit show /var/lib/holdfast/audit --type session-revoked --personal --json',
    ],
    async run(asked) {
      const {
        arguments: [directory = ''],
        text,
        out,
      } = asked
      const since = instantOf(text('since'), Date.now())
      const type = typeOf(text('type'))
      const { open, close } = personalOf(asked, directory)
      try {
        for (const { line } of readLog({ directory })) {
          const at = instantIn(line)
          if (at < since || (type !== undefined && type !== typeIn(line))) continue
          const personal = open(line)
          out.line(printable(summary(line, personal)))
          out.value(personal === undefined ? line : { ...line, personal })
        }
      } finally {
        close()
      }
      return EXIT.done
    },
  },
]

function random(size: number): Uint8Array {
  return randomFillSync(new Uint8Array(size))
}

function verifierKeys(asked: Asked): { readonly verifierKeys?: readonly string[] } {
  const keys = keyTexts(asked.text('key'), 'The verifier key')
  return keys === undefined ? {} : { verifierKeys: keys }
}

function witnessPolicy({ text }: Asked): { readonly witnesses?: WitnessPolicy } {
  const keys = keyTexts(text('witness'), 'The verifier key of a witness')
  const quorum = Number(text('quorum') ?? keys?.length)
  if (keys === undefined) {
    if (text('quorum') === undefined) return {}
    throw new UsageError('--quorum is of witnesses: name them with --witness.')
  }
  if (!Number.isInteger(quorum) || quorum < 1 || quorum > keys.length) {
    throw new UsageError(`--quorum must be a whole number from 1 to the ${keys.length} witnesses.`)
  }
  return { witnesses: { witnesses: keys.map(witnessVerifier), quorum } }
}

/** Keys that are named, one a line in a file or one as it is. Each counts once. */
export function keyTexts(given: string | undefined, name: string): readonly string[] | undefined {
  if (given === undefined) return undefined
  // A verifier key has two plus signs, and no file of one should.
  const isKey = given.split('+').length >= 3 && !existsSync(given)
  const lines = (isKey ? given : fileText(given, name)).split('\n').map((line) => line.trim())
  return [...new Set(lines.filter((line) => line !== ''))]
}

export function fileText(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SessionError('invalid_input', `${name} ${path} cannot be read.`, { cause })
  }
}

function describe({ ok, directories, faults, notes, leftOut }: AuditVerdict): string {
  const read = directories.flatMap((one) => {
    const { directory, segments, lines, events, retired, signed, cosigned, cosignedAt } = one
    const facts =
      `${directory}: ${events} events in ${lines} lines of ${segments} segments, ` +
      `${signed} lines signed${retired === 0 ? '' : `, ${retired} lines retired`}.`
    if (cosigned === undefined || cosignedAt == null) return [facts]
    const until = `the witnesses have signed ${cosigned} lines, at ${timeText(cosignedAt)}.`
    return [facts, `${directory}: ${until}`]
  })
  return [
    ...read,
    ...notes.map((note) => `note: ${remarkText(note)}`),
    ...faults.map((fault) => `FAULT: ${remarkText(fault)}`),
    ...(leftOut > 0 ? [`${leftOut} more are not shown.`] : []),
    ok ? 'Nothing was changed, and nothing is missing.' : failure(faults),
  ]
    .map(printable)
    .join('\n')
}

/** Lines that no witness has signed yet may all be what was written. */
function failure(faults: AuditVerdict['faults']): string {
  return faults.every(({ code }) => code === 'not_witnessed')
    ? 'NOT PROVEN: nothing contradicts this log, and the witnesses have not signed it.'
    : 'THIS LOG IS NOT WHAT WAS WRITTEN.'
}

function remarkText({ code, file, line, message }: Remark): string {
  return `${file}${line === null ? '' : `, line ${line}`}: ${message} (${code})`
}

/** A witness may say any time. */
function timeText(at: number): string {
  return Math.abs(at) <= LAST_DATE_MS ? new Date(at).toISOString() : 'a time that is none'
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MiB`
}

function instantOf(text: string | undefined, now: number): number {
  if (text === undefined) return Number.NEGATIVE_INFINITY
  const at = Date.parse(text)
  if (/^\d{4}-/.test(text) && !Number.isNaN(at)) return at
  const ago = parseDuration(text)
  if (ago !== undefined) return now - ago
  throw new UsageError('--since must be a date or a duration, for example 2026-01-31 or 2h.')
}

function typeOf(text: string | undefined): string | undefined {
  if (text === undefined || LINE_TYPES.includes(text)) return text
  throw new UsageError(`--type must be one of ${LINE_TYPES.join(', ')}.`)
}

/** Opens personal parts where they were asked for. */
function personalOf(
  { flag, text, env }: Asked,
  directory: string,
): { open(line: Line): Personal; close(): void } {
  if (!flag('personal')) return { open: () => undefined, close: () => {} }
  const ring = text('keyring') ?? env.HOLDFAST_KEYRING
  if (ring === undefined || ring === '') {
    throw new UsageError('--personal needs the key ring: --keyring FILE, or HOLDFAST_KEYRING.')
  }
  const path = join(directory, VAULT)
  if (!existsSync(path)) {
    throw new SessionError(
      'not_found',
      `${path}, which has the keys of the personal parts, is gone.`,
    )
  }
  const keyring = parseKeyring(fileText(ring, 'The key ring'))
  const vault = openVault({ path, keyring, now: () => Date.now(), random })
  return {
    open(line) {
      if (line.kind !== 'event' && line.kind !== 'finding') return undefined
      if (line.personal === undefined) return undefined
      return vault.open(line.kind === 'event' ? line.event : line.finding, line.personal)
    },
    close: vault.close,
  }
}
