import { readFileSync } from 'node:fs'
import { parseKeyring, SessionError } from 'holdfast'
import { LISTED_KINDS, parsePrefixList } from 'holdfast/network'
import { parseSigningKeys } from 'holdfast/tokens'
import { rulesIn } from '../audit/findings/rules-file.ts'
import { noteSigner } from '../audit/log/note.ts'
import { geoFileProblem } from '../geo/role.ts'
import type { ConfigCheck } from './contradictions.ts'
import type { Problem } from './problem.ts'

/**
 * Reads the files that a configuration names, for `config check`, which must not accept what cannot
 * work.
 */
export const FILES: readonly ConfigCheck[] = [
  {
    of: ['keyring'],
    problemsOf({ keyring }, origin) {
      if (keyring === undefined) return []
      const field = origin('keyring')
      const bytes = bytesOf(keyring)
      if (bytes === undefined) {
        const command = `holdfast keys new ${keyring}`
        const fix = `Make one with "${command}", or name one that this user may read.`
        return [unreadable(field, keyring, fix)]
      }
      try {
        parseKeyring(bytes.toString('utf8'))
        return []
      } catch (error) {
        const fix = error instanceof Error ? error.message : ''
        return [{ field, problem: `names a file that holds no key ring (${keyring})`, fix }]
      }
    },
  },
  {
    of: ['signingKeys', 'audiences'],
    problemsOf({ signingKeys, audiences }, origin) {
      if (signingKeys === undefined) return []
      const field = origin('signingKeys')
      const bytes = bytesOf(signingKeys)
      if (bytes === undefined) {
        const fix =
          `Make one with "holdfast keys new ${signingKeys} --signing", or name one that this ` +
          'user may read.'
        return [unreadable(field, signingKeys, fix)]
      }
      try {
        const { keys } = parseSigningKeys(bytes.toString('utf8'))
        const signs = keys.filter(({ state }) => state === 'active').map((key) => key.algorithm)
        return Object.entries(audiences)
          .filter(([, { algorithm = 'EdDSA' }]) => !signs.includes(algorithm))
          .map(([name, { algorithm = 'EdDSA' }]) => ({
            field: `${origin('audiences')}.${name}`,
            problem: `needs a key for ${algorithm}, and none signs in ${signingKeys}`,
            fix:
              `Run "holdfast keys add ${signingKeys} --algorithms ${algorithm}", and rotate ` +
              'five minutes later.',
          }))
      } catch (error) {
        const fix = error instanceof Error ? error.message : ''
        return [{ field, problem: `names a file that holds no signing keys (${signingKeys})`, fix }]
      }
    },
  },
  {
    of: ['auditKey'],
    problemsOf({ auditKey }, origin) {
      if (auditKey === undefined) return []
      const field = origin('auditKey')
      const bytes = bytesOf(auditKey)
      const fix = `Make one with "holdfast audit keys new ${auditKey}".`
      if (bytes === undefined) return [unreadable(field, auditKey, fix)]
      try {
        noteSigner(bytes.toString('utf8'))
        return []
      } catch (error) {
        if (!(error instanceof SessionError)) throw error
        return [{ field, problem: `names a file that holds no key of notes (${auditKey})`, fix }]
      }
    },
  },
  {
    of: ['findingRules'],
    problemsOf({ findingRules }, origin) {
      if (findingRules === undefined) return []
      try {
        rulesIn(findingRules)
        return []
      } catch (error) {
        if (!(error instanceof SessionError)) throw error
        const problem = `names rules that cannot be used: ${error.message}`
        return [{ field: origin('findingRules'), problem, fix: 'See "holdfast rules test FILE".' }]
      }
    },
  },
  {
    of: ['storeCa', 'storeCertificate', 'storeCertificateKey', 'auditDatabaseCa'],
    problemsOf: (config, origin) =>
      PEM_FILES.flatMap(([name, holds]) => {
        const path = config[name]
        if (path === undefined) return []
        const bytes = bytesOf(path)
        const fix = `Name a PEM file with ${holds} that this user may read.`
        if (bytes === undefined) return [unreadable(origin(name), path, fix)]
        const label = name === 'storeCertificateKey' ? 'PRIVATE KEY' : 'CERTIFICATE'
        if (bytes.includes(`${label}-----`)) return []
        return [{ field: origin(name), problem: `names a file without one (${path})`, fix }]
      }),
  },
  {
    of: ['geoCity'],
    problemsOf: ({ geoCity }, origin) =>
      geoCity.flatMap((path) => geoProblem(origin('geoCity'), path, 'city')),
  },
  {
    of: ['geoAsn'],
    problemsOf: ({ geoAsn }, origin) =>
      geoAsn.flatMap((path) => geoProblem(origin('geoAsn'), path, 'asn')),
  },
  {
    of: ['networks'],
    problemsOf: ({ networks }, origin) =>
      LISTED_KINDS.flatMap((kind) =>
        (networks[kind] ?? []).flatMap((path) =>
          listProblem(`${origin('networks')}.${kind}`, path),
        ),
      ),
  },
]

const PEM_FILES = [
  ['storeCa', 'the authorities of Redis'],
  ['storeCertificate', 'the certificate that Redis is shown'],
  ['storeCertificateKey', 'the private key of that certificate'],
  ['auditDatabaseCa', 'the authorities of PostgreSQL'],
] as const

const FETCH = '"holdfast geo update" fetches free ones.'

function geoProblem(field: string, path: string, role: 'city' | 'asn'): readonly Problem[] {
  const bytes = bytesOf(path)
  if (bytes === undefined) return [unreadable(field, path, FETCH)]
  const wrong = geoFileProblem(bytes, role)
  if (wrong === undefined) return []
  return [{ field, problem: `names a file that ${wrong} (${path})`, fix: FETCH }]
}

function listProblem(field: string, path: string): readonly Problem[] {
  const fix = 'Write one network a line, such as 192.0.2.0/24.'
  const bytes = bytesOf(path)
  if (bytes === undefined) return [unreadable(field, path, fix)]
  try {
    parsePrefixList(bytes)
    return []
  } catch (error) {
    if (!(error instanceof SessionError)) throw error
    return [{ field, problem: `names a list of networks (${path}) that ${error.message}`, fix }]
  }
}

function unreadable(field: string, path: string, fix: string): Problem {
  return { field, problem: `names a file that cannot be read (${path})`, fix }
}

function bytesOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined // not there, or not for this user: the problem says so
  }
}
