import { randomFillSync } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SessionError } from 'holdfast'
import { type Asked, type Command, EXIT, printable, UsageError } from 'holdfast/cli'
import { parseKeyring } from 'holdfast/maintenance'
import { parseDuration } from 'holdfast/wire'
import type { Line } from '../audit/log/lines.ts'
import { newNoteKey, noteSigner } from '../audit/log/note.ts'
import { openVault, VAULT } from '../audit/log/personal.ts'
import { readLog } from '../audit/log/read.ts'
import { cosigner } from '../audit/witness/cosignature.ts'
import { createWitnessState } from '../audit/witness/witness.ts'
import { instantIn, LINE_TYPES, type Personal, summary, typeIn } from './audit-line.ts'
import { fileText } from './given-texts.ts'

const DEFAULT_NAMES = { log: 'holdfast-audit', witness: 'holdfast-witness' } as const

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
