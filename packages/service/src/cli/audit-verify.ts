import { type Asked, type Command, EXIT, type Option, printable, UsageError } from 'holdfast/cli'
import { proveLine, verifyProof } from '../audit/log/proof.ts'
import type { Remark } from '../audit/log/verdict.ts'
import { type AuditVerdict, verifyAudit } from '../audit/log/verify.ts'
import { type WitnessPolicy, witnessVerifier } from '../audit/witness/cosignature.ts'
import { fileText, keyTexts } from './given-texts.ts'

const KEY_OPTION: Readonly<Record<string, Option>> = {
  key: {
    type: 'string',
    value: 'FILE|TEXT',
    about: 'Verifier key, as "audit keys" has printed it; in a file one a line',
  },
}

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

/** What an audit log proves: no service has to run, and none is asked. */
export const auditVerifyCommands: readonly Command[] = [
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
]

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
    ok ? success(directories) : failure(faults),
  ]
    .map(printable)
    .join('\n')
}

/** Whoever takes the checkpoints away may change what they signed: it is like what is new. */
function success(directories: AuditVerdict['directories']): string {
  const unsigned = directories.reduce((sum, { lines, signed }) => sum + lines - signed, 0)
  if (unsigned === 0) return 'Nothing was changed, and nothing is missing.'
  return (
    `Of what is signed nothing was changed, and nothing is missing. ${unsigned} lines are signed ` +
    'by nobody: of those a checkpoint that was kept elsewhere (--against) or a witness tells.'
  )
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
