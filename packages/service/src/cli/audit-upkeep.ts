import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SessionError, systemHost } from 'holdfast'
import { type Asked, type Command, EXIT, printable } from 'holdfast/cli'
import { checkKeyring, namedRecord } from 'holdfast/maintenance'
import { segmentNumbers } from '../audit/log/segments.ts'
import { INDEX_FILE, removeIndexFile } from '../audit/search/index-file.ts'
import { indexAddress } from '../audit/search/shared/index-address.ts'
import { openSharedIndex } from '../audit/search/shared/shared-index.ts'
import { forgetWriter, WRITER_RECORD, writerOf } from '../audit/writer/lease.ts'
import { loadConfig } from '../config/load.ts'
import { openKeyring } from '../main/keyring.ts'
import { serviceLog } from '../main/log.ts'
import { forgetAudited, policyRecord } from '../main/policy-events.ts'
import { openStore } from '../main/store.ts'
import { CONFIG_OPTION } from './config-option.ts'

/** What an operator does with an audit log now and then. */
export const auditUpkeepCommands: readonly Command[] = [
  {
    name: 'audit reindex',
    about: 'Let the index of the audit log be made anew',
    usage: '[DIR]',
    details:
      'Removes the index of searches, which is made from the log and has nothing of its own: of ' +
      'this directory, or, without\n' +
      'one, that of the configuration, in PostgreSQL or in its directory. Searches find more and ' +
      'more of the log meanwhile.\n' +
      'The log, incidents and alerts stay as they are. The index of a directory is made anew at ' +
      'the next start: stop the\n' +
      'service first. A damaged one is made anew without this. That in PostgreSQL is filled by ' +
      'the services that run,\n' +
      'each from its directory.',
    options: CONFIG_OPTION,
    arguments: [0, 1],
    examples: [
      'holdfast audit reindex /var/lib/holdfast/audit',
      'holdfast audit reindex --config /etc/holdfast/holdfast.yaml',
    ],
    run: reindex,
  },
  {
    name: 'audit release',
    about: 'Let the store forget the audit log, when it was switched off for good',
    usage: '',
    details:
      'Once an audit log was written, the store keeps what it has not got yet, and refuses ' +
      'changes when that is too\n' +
      'much. Take HOLDFAST_AUDIT_DIRECTORY away from all processes and stop them, then run ' +
      'this with their\n' +
      'configuration: events that were not written yet are given up. The files of the log stay. ' +
      'Refuses while a\n' +
      'process writes; one that was killed counts for 15 seconds.',
    options: {
      ...CONFIG_OPTION,
      force: { type: 'boolean', about: 'Also while a process seems to write' },
    },
    arguments: [0, 0],
    examples: ['holdfast audit release --config /etc/holdfast/holdfast.yaml'],
    run: release,
  },
]

async function reindex({ arguments: [given], text, env, out }: Asked): Promise<number> {
  if (given !== undefined) return removeIndex(given, out)
  const config = loadConfig({ file: text('config'), env })
  const address = indexAddress(config)
  if (address === undefined) {
    if (config.auditDirectory !== undefined) return removeIndex(config.auditDirectory, out)
    throw new SessionError('config_invalid', 'Name the directory of the audit log.')
  }
  const index = openSharedIndex({ address, now: () => Date.now() })
  try {
    await index.renew()
  } finally {
    await index.close()
  }
  out.value({ index: 'removed' })
  out.line(
    'Emptied the index in PostgreSQL. Each service that runs brings in its log anew, ' +
      'within a minute.',
  )
  return EXIT.done
}

function removeIndex(directory: string, out: Asked['out']): number {
  if (!existsSync(directory) || segmentNumbers(directory).length === 0) {
    throw new SessionError('not_found', `${directory} is no directory of an audit log.`)
  }
  const path = join(directory, INDEX_FILE)
  const index = removeIndexFile(path)
  out.value({ file: path, index })
  if (index === 'in_use') {
    out.note(`holdfast: A service has ${printable(path)} open. Stop it, then come again.`)
    return EXIT.failed
  }
  const what = index === 'absent' ? `There is no ${path}.` : `Removed ${path}.`
  out.line(printable(`${what} The service makes it anew from the log at its next start.`))
  return EXIT.done
}

async function release({ text, flag, env, out }: Asked): Promise<number> {
  const config = loadConfig({ file: text('config'), env })
  if (config.store.kind === 'memory' || config.keyring === undefined) {
    throw new SessionError(
      'config_invalid',
      'Name the store and its key ring: HOLDFAST_STORE and HOLDFAST_KEYRING.',
    )
  }
  const host = systemHost()
  const log = serviceLog('silent', { write: () => {} })
  const keyring = openKeyring(config, log)
  const { store, close } = await openStore(config, { log, existing: true })
  try {
    await checkKeyring({ store, keyring })
    const record = namedRecord({ store, keyring, host, name: WRITER_RECORD })
    const { holder } = await writerOf({ record, now: () => host.now() })
    if (holder !== undefined && !flag('force')) {
      throw new SessionError(
        'store_contended',
        `The audit log is written by ${holder}. Stop it and take HOLDFAST_AUDIT_DIRECTORY away ` +
          'from it; --force is for one that was killed just now.',
      )
    }
    if (!(await forgetWriter(record))) {
      throw new SessionError('store_contended', 'A process has begun to write meanwhile. Stop it.')
    }
    await forgetAudited(policyRecord({ store, keyring, host }))
    const held = (await store.feed.hold?.confirmed()) !== undefined
    await store.feed.hold?.release()
    out.line(
      held
        ? 'Released: the store keeps its feed within the usual bounds, for no audit log.'
        : 'The store has held nothing for an audit log.',
    )
    if (config.auditDirectory !== undefined) {
      out.note('HOLDFAST_AUDIT_DIRECTORY is still set: the next start begins the log again.')
    }
    out.value({ released: held })
    return EXIT.done
  } finally {
    await close()
  }
}
