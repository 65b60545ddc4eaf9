import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import {
  addKey,
  formatKeyring,
  type Keyring,
  keyringStatus,
  newKeyring,
  parseKeyring,
  rotateKeyring,
  SessionError,
} from 'holdfast'
import { type Asked, type Command, EXIT, UsageError } from './command.ts'
import { instant, table } from './table.ts'

/** Commands about the key ring file. No key material is ever shown. */
export const keysCommands: readonly Command[] = [
  {
    name: 'keys new',
    about: 'Make a key ring file',
    usage: '[FILE]',
    details:
      'Writes a new ring to FILE (HOLDFAST_KEYRING), readable by this user alone. Never replaces a file:\nwithout the old ring every session in the store would be lost. Keep a copy where only you can read it.',
    options: {},
    arguments: [0, 1],
    examples: ['holdfast keys new /etc/holdfast/keyring.json'],
    async run(asked) {
      const path = pathOf(asked)
      if (existsSync(path))
        throw new SessionError('config_invalid', `${path} is there already. It is left as it is.`)
      const ring = newKeyring()
      writeFileSync(path, formatKeyring(ring), { mode: 0o600, flag: 'wx' })
      asked.out.line(`Made ${path} with the key ${ring.current}.`)
      asked.out.value({ file: path, current: ring.current })
      return EXIT.done
    },
  },
  {
    name: 'keys add',
    about: 'Add a key to the ring that opens and does not seal yet',
    usage: '[FILE]',
    details:
      'The first of two steps. Give the file to every instance of the estate and restart each; then "keys rotate"\nmakes this key the one that seals, and every instance opens what others seal under it already.',
    options: {},
    arguments: [0, 1],
    examples: ['holdfast keys add /etc/holdfast/keyring.json'],
    async run(asked) {
      const path = pathOf(asked)
      const ring = addKey(read(path))
      replace(path, ring)
      const added = ring.keys.at(-1)?.id
      asked.out.line(
        `${path} now opens ${added} too and seals under ${ring.current}. Restart every instance, then rotate.`,
      )
      asked.out.value({ file: path, added, current: ring.current, keys: keyringStatus(ring) })
      return EXIT.done
    },
  },
  {
    name: 'keys rotate',
    about: 'Make the newest key of the ring the one that seals',
    usage: '[FILE]',
    details:
      'The key that "keys add" has put on the ring becomes current; when none waits, a new one is added.\nNew records and tokens are under it; older keys still open what they sealed. One instance is restarted and\nthat is all. Many: add, restart all, rotate, restart all, in any order and at leisure; an instance that lacks\nthe key of others refuses their tokens (token_key_unknown) and answers 503 for their records.\n\nOnce all seal under the new key, "holdfast reseal" moves what is stored. An older key may be taken out of the\nfile when that has finished and the longest absolute timeout has passed: until then tokens may be under it.',
    options: {},
    arguments: [0, 1],
    examples: ['holdfast keys rotate /etc/holdfast/keyring.json'],
    async run(asked) {
      const path = pathOf(asked)
      const ring = rotateKeyring(read(path))
      replace(path, ring)
      asked.out.line(
        `${path} now seals under ${ring.current}; ${ring.keys.length - 1} older kept. Restart the services.`,
      )
      asked.out.value({ file: path, current: ring.current, keys: keyringStatus(ring) })
      return EXIT.done
    },
  },
  {
    name: 'keys status',
    about: 'Show the keys of a ring by id and age',
    usage: '[FILE]',
    details:
      'One key seals. Older ones open what they sealed; one that waits opens, and seals after "keys rotate".',
    options: {},
    arguments: [0, 1],
    examples: ['holdfast keys status', 'holdfast keys status keyring.json --json'],
    async run(asked) {
      const path = pathOf(asked)
      const keys = keyringStatus(read(path))
      const rows = keys.map(({ id, createdAt, state }) => [id, instant(createdAt), DOES[state]])
      asked.out.line(table(['KEY', 'MADE', 'DOES'], rows))
      asked.out.value({ file: path, keys })
      return EXIT.done
    },
  },
]

const DOES = { older: 'opens', current: 'seals', waiting: 'opens, waits' } as const

/** In one step: a service that starts meanwhile reads the one or the other. */
function replace(path: string, ring: Keyring): void {
  const fresh = `${path}.new`
  writeFileSync(fresh, formatKeyring(ring), { mode: 0o600 })
  renameSync(fresh, path)
}

function pathOf({ arguments: [given], env }: Asked): string {
  const path = given ?? env.HOLDFAST_KEYRING
  if (path === undefined || path === '')
    throw new UsageError('Name the file, or set HOLDFAST_KEYRING.')
  return path
}

function read(path: string): Keyring {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SessionError('config_invalid', `${path} cannot be read.`, { cause })
  }
  return parseKeyring(text)
}
