import { existsSync, writeFileSync } from 'node:fs'
import { SessionError } from '../core/errors.ts'
import { type Asked, type Command, EXIT, type Option, UsageError } from './command.ts'
import {
  type Change,
  holdsSigningKeys,
  type KeyFileKind,
  readKeyFile,
  replaceKeyFile,
} from './key-files.ts'
import { sealingKeys } from './sealing-keys.ts'
import { signingKeys } from './signing-keys.ts'
import { table } from './table.ts'

const SIGNING: Readonly<Record<string, Option>> = {
  signing: {
    type: 'boolean',
    about: 'The keys that sign access tokens (HOLDFAST_SIGNING_KEYS), not the key ring',
  },
}

const ALGORITHMS: Readonly<Record<string, Option>> = {
  algorithms: {
    type: 'string',
    value: 'LIST',
    about: 'Of signing keys: EdDSA, ES256, RS256, comma-separated (default EdDSA)',
  },
}

/**
 * Commands about the files of keys, the ring that seals and the keys that sign. No key material is
 * ever shown.
 */
export const keysCommands: readonly Command[] = [
  {
    name: 'keys new',
    about: 'Make a key ring file, or a file of signing keys',
    usage: '[FILE]',
    details:
      'Writes a new ring to FILE (HOLDFAST_KEYRING), or with --signing new signing keys ' +
      '(HOLDFAST_SIGNING_KEYS), readable\n' +
      'by this user alone. Never replaces a file: without the old ring every session in the ' +
      'store would be lost. Keep\n' +
      'a copy where only you can read it.',
    options: { ...SIGNING, ...ALGORITHMS },
    arguments: [0, 1],
    examples: [
      'holdfast keys new /etc/holdfast/keyring.json',
      'holdfast keys new /etc/holdfast/signing-keys.json --signing --algorithms EdDSA,ES256',
    ],
    async run(asked) {
      const path = pathOf(asked)
      if (existsSync(path))
        throw new SessionError('config_invalid', `${path} is there already. It is left as it is.`)
      const { text, summary, value } = (asked.flag('signing') ? signingKeys : sealingKeys).make(
        asked,
      )
      writeFileSync(path, text, { mode: 0o600, flag: 'wx' })
      asked.out.line(`Made ${path} ${summary}.`)
      asked.out.value({ file: path, ...value })
      return EXIT.done
    },
  },
  {
    name: 'keys add',
    about: 'Add a key that waits: to open, or to be known to verifiers, before it is used',
    usage: '[FILE]',
    details:
      'Of a key ring, the first of two steps: give the file to every instance of the estate; ' +
      'then "keys rotate" makes this\n' +
      'key the one that seals, and every instance opens what others seal under it already. Of ' +
      'signing keys, which\n' +
      'always have one that waits, it adds an algorithm (--algorithms). A running service ' +
      'takes the file up by itself.',
    options: { ...SIGNING, ...ALGORITHMS },
    arguments: [0, 1],
    examples: [
      'holdfast keys add /etc/holdfast/keyring.json',
      'holdfast keys add /etc/holdfast/signing-keys.json --algorithms RS256',
    ],
    async run(asked) {
      return changed(asked, (kind, text) => kind.add(text, asked))
    },
  },
  {
    name: 'keys rotate',
    about: 'Make the waiting key the one that seals, or that signs',
    usage: '[FILE]',
    details:
      'The file says of which kind it is. A running service takes it up by itself.\n\n' +
      'Of a key ring, the key that "keys add" has put there becomes current; when none waits, ' +
      'a new one is added.\n' +
      'New records and tokens are under it; older keys still open what they sealed. With one ' +
      'instance that is all.\n' +
      'Many: add, give the file to all, rotate, give it to all, in any order and at leisure; ' +
      'an instance that lacks\n' +
      'the key of others refuses their tokens (token_key_unknown) and answers 503 for their ' +
      'records.\n' +
      'Once all seal under the new key, "holdfast reseal" moves what is stored. An older key ' +
      'may be taken out of the\n' +
      'file when that has finished and the longest absolute timeout has passed: until then ' +
      'tokens may be under it.\n\n' +
      'Of signing keys, the waiting keys sign, and new ones wait. Those that retire lose their ' +
      'private half: give the file\n' +
      'to every instance within ten minutes, after which the tokens of one without it are ' +
      'refused. A waiting\n' +
      'key must have been published for 305 seconds, so that every verifier knows it; --now ' +
      'goes ahead before that, for\n' +
      'a key that is no longer secret: verifiers that have not asked again refuse tokens ' +
      'under the new one meanwhile.',
    options: {
      ...SIGNING,
      now: { type: 'boolean', about: 'Of signing keys: do not wait until verifiers know the key' },
    },
    arguments: [0, 1],
    examples: [
      'holdfast keys rotate /etc/holdfast/keyring.json',
      'holdfast keys rotate /etc/holdfast/signing-keys.json',
    ],
    async run(asked) {
      return changed(asked, (kind, text) => kind.rotate(text, asked))
    },
  },
  {
    name: 'keys status',
    about: 'Show the keys of a file by id and age',
    usage: '[FILE]',
    details:
      'Of a key ring, one key seals; older ones open what they sealed; one that waits opens, ' +
      'and seals after "keys rotate".\n' +
      'Of signing keys, for each algorithm one signs, one is published and waits, and retired ' +
      'ones are kept for their\n' +
      'tokens.',
    options: SIGNING,
    arguments: [0, 1],
    examples: ['holdfast keys status', 'holdfast keys status signing-keys.json --json'],
    async run(asked) {
      const path = pathOf(asked)
      const text = readKeyFile(path)
      const { head, rows, keys } = kindOf(text).status(text)
      asked.out.line(table(head, rows))
      asked.out.value({ file: path, keys })
      return EXIT.done
    },
  },
]

function changed(asked: Asked, change: (kind: KeyFileKind, text: string) => Change): number {
  const path = pathOf(asked)
  const before = readKeyFile(path)
  const { text, summary, value } = change(kindOf(before), before)
  replaceKeyFile(path, text)
  asked.out.line(`${path} ${summary}`)
  asked.out.value({ file: path, ...value })
  return EXIT.done
}

function kindOf(text: string): KeyFileKind {
  return holdsSigningKeys(text) ? signingKeys : sealingKeys
}

function pathOf(asked: Asked): string {
  const {
    arguments: [given],
    env,
  } = asked
  const variable = asked.flag('signing') ? 'HOLDFAST_SIGNING_KEYS' : 'HOLDFAST_KEYRING'
  const path = given ?? env[variable]
  if (path === undefined || path === '') throw new UsageError(`Name the file, or set ${variable}.`)
  return path
}
