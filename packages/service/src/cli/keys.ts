import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import {
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
    name: 'keys rotate',
    about: 'Add a key to the ring and make it the current one',
    usage: '[FILE]',
    details:
      'New records and tokens are sealed under the new key; older keys still open what they sealed.\nGive the file to every service of the estate and restart them together: a service that has not the new\nkey answers 503 for what others sealed under it. "holdfast reseal" then moves the rest.',
    options: {},
    arguments: [0, 1],
    examples: ['holdfast keys rotate /etc/holdfast/keyring.json'],
    async run(asked) {
      const path = pathOf(asked)
      const ring = rotateKeyring(read(path))
      const fresh = `${path}.new`
      writeFileSync(fresh, formatKeyring(ring), { mode: 0o600 })
      renameSync(fresh, path)
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
    options: {},
    arguments: [0, 1],
    examples: ['holdfast keys status', 'holdfast keys status keyring.json --json'],
    async run(asked) {
      const path = pathOf(asked)
      const keys = keyringStatus(read(path))
      const rows = keys.map(({ id, createdAt, current }) => [
        id,
        instant(createdAt),
        current ? 'seals' : 'opens',
      ])
      asked.out.line(table(['KEY', 'MADE', 'DOES'], rows))
      asked.out.value({ file: path, keys })
      return EXIT.done
    },
  },
]

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
