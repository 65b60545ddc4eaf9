import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Host, SessionError, type Store } from 'holdfast'
import { type Keyring, namedRecord } from 'holdfast/maintenance'
import { openCheckpoint } from '../audit/log/checkpoint.ts'
import { NOTE_KEY } from '../audit/log/files.ts'
import { noteSigner, noteVerifier } from '../audit/log/note.ts'
import { readLog } from '../audit/log/read.ts'
import { CHECKPOINT, checkpointText } from '../audit/log/recover.ts'
import { lastSegment } from '../audit/log/segments.ts'
import { INDEX_FILE, indexedTo } from '../audit/search/index-file.ts'
import { indexAddress } from '../audit/search/shared/index-address.ts'
import { openSharedIndex, type SharedIndex } from '../audit/search/shared/shared-index.ts'
import { askWitness } from '../audit/witness/ask-witness.ts'
import { consistencyProofs } from '../audit/witness/consistency.ts'
import { type WitnessConfig, witnessOf } from '../audit/witness/settings.ts'
import { backlogOf } from '../audit/writer/backlog.ts'
import { WRITER_RECORD, writerOf } from '../audit/writer/lease.ts'
import type { Config } from '../config/schema.ts'
import { isWritableFolder, nearestFolder, privacy } from './files.ts'
import { brief, type Finding, fault, warning } from './finding.ts'

const CHECK = 'audit log'
/** A writer signs once a minute, and the index follows at once. */
const LATE_MS = 300_000

/** Looks at the directory of the audit log: can it be written, is it signed, is it searched. */
export function examineAuditFiles(config: Config, at: number): readonly Finding[] {
  const { auditDirectory: directory, auditKey } = config
  if (directory === undefined) return []
  if (!isWritableFolder(nearestFolder(directory))) {
    const mend = 'Let the user of the service write it, or name another HOLDFAST_AUDIT_DIRECTORY.'
    return [fault(CHECK, `its directory ${directory} cannot be written`, mend)]
  }
  const key = auditKey ?? join(directory, NOTE_KEY)
  const findings = existsSync(key) ? [...privacy('audit key', key)] : []
  if (!existsSync(directory) || lastSegment(directory) === undefined) return findings
  return [
    ...findings,
    ...signing(directory, key),
    ...(config.auditDatabase === undefined
      ? searching(directory, { from: () => indexedTo(join(directory, INDEX_FILE)), at })
      : []),
  ]
}

/** Looks into the index in PostgreSQL, if there is one: is it there, and has it all of the log. */
export async function examineAuditDatabase(
  config: Config,
  at: number,
): Promise<readonly Finding[]> {
  const { auditDirectory: directory } = config
  let index: SharedIndex | undefined
  try {
    const address = indexAddress(config)
    if (address === undefined) return []
    index = openSharedIndex({ address, now: () => at })
    const isLogged = directory !== undefined && existsSync(directory)
    const last = isLogged ? lastSegment(directory) : undefined
    const from = await index.indexedTo(last?.header.origin ?? '')
    return last && directory !== undefined ? searching(directory, { from: () => from, at }) : []
  } catch (error) {
    if (!(error instanceof SessionError)) throw error
    const mend = 'See that HOLDFAST_AUDIT_DATABASE names it, and that it runs; searches need it.'
    return [fault(CHECK, brief(error), mend)]
  } finally {
    await index?.close()
  }
}

/** Asks the store who writes the audit log, and what waits for it. */
export async function examineAuditWriter({
  store,
  keyring,
  host,
  config,
}: {
  readonly store: Store
  readonly keyring: Keyring
  readonly host: Host
  readonly config: Pick<Config, 'auditDirectory' | 'auditBacklogBytes'>
}): Promise<readonly Finding[]> {
  const record = namedRecord({ store, keyring, host, name: WRITER_RECORD })
  const { holder, until } = await writerOf({ record, now: () => host.now() })
  const fullness = await backlogOf(store.feed, config.auditBacklogBytes)
  const findings: Finding[] = []
  if (config.auditDirectory !== undefined && holder === undefined) {
    const since = until === 0 ? '' : `, since ${new Date(until).toISOString()} at the latest`
    const mend = 'Start the service; where it runs, its log says why it cannot write.'
    findings.push(fault(CHECK, `no process writes it${since}`, mend))
  }
  if (config.auditDirectory === undefined && fullness > 0) {
    const mend = 'Set HOLDFAST_AUDIT_DIRECTORY, or give it up with "holdfast audit release".'
    findings.push(fault(CHECK, 'the store waits for one, and none is configured', mend))
  } else if (fullness > 0.5) {
    const mend =
      'See why its writer is slow or away: at 100% whatever changes a session is refused.'
    const part = Math.round(fullness * 100)
    findings.push(fault(CHECK, `about ${part}% of what may wait for it in the store does`, mend))
  }
  return findings
}

/** Asks each witness to sign the newest checkpoint: one that knows another history says so. */
export async function examineWitnesses(
  { auditDirectory: folder = '', auditWitnesses }: Config,
  now: () => number,
): Promise<readonly Finding[]> {
  if (!existsSync(folder)) return []
  const { prove } = consistencyProofs(folder)

  async function examineOne(config: WitnessConfig): Promise<readonly Finding[]> {
    const witness = witnessOf(config)
    const note = checkpointText(folder)
    if (note === undefined) return []
    let answer = await askWitness(witness, { note, known: 0, prove, now })
    const newest = checkpointText(folder)
    // The service may have shown it a newer one meanwhile.
    if (answer.is === 'refused' && newest !== undefined && newest !== note) {
      answer = await askWitness(witness, { note: newest, known: 0, prove, now })
    }
    if (answer.is === 'cosigned') return []
    const found = `the witness ${witness.verifier.name}`
    if (answer.is === 'failed') {
      return [warning(CHECK, `${found} does not sign: ${answer.problem}`, ASK_ITS_OPERATOR)]
    }
    return [fault(CHECK, `${found} knows another history: ${answer.problem}`, KEEP)]
  }

  return (await Promise.all(auditWitnesses.map(examineOne))).flat()
}

const ASK_ITS_OPERATOR = 'Look at its address in HOLDFAST_AUDIT_WITNESSES, and ask who runs it.'
const KEEP =
  'Somebody has changed the log, or put back an older copy. Keep the directory as it is, and ' +
  'compare it with checkpoints that were kept elsewhere ("holdfast audit verify").'

function signing(directory: string, key: string): readonly Finding[] {
  const path = join(directory, CHECKPOINT)
  const mend = 'Let the service run for a minute; if it does already, its log says what is wrong.'
  if (existsSync(path)) {
    const verifiers = verifiersOf(key)
    const checked = openCheckpoint(readFileSync(path, 'utf8'), verifiers)
    if (!checked.ok) {
      const found = `its newest checkpoint is not one of the key ${key}: ${checked.problem}`
      return [fault(CHECK, found, `Run "holdfast audit verify ${directory}".`)]
    }
  }
  const written = statSync(lastSegment(directory)?.path ?? directory).mtimeMs
  const signed = existsSync(path) ? statSync(path).mtimeMs : 0
  if (written - signed < LATE_MS && signed > 0) return []
  return [warning(CHECK, 'its newest lines are under no checkpoint', mend)]
}

/** Undefined for a key that cannot be read: the configuration was told of it. */
function verifiersOf(key: string) {
  try {
    return [noteVerifier(noteSigner(readFileSync(key, 'utf8')).verifierKey)]
  } catch {
    return undefined
  }
}

function searching(
  directory: string,
  { from, at }: { readonly from: () => number; readonly at: number },
): readonly Finding[] {
  const mend =
    'Wait, if the service has just started; else see its log, or "holdfast audit reindex".'
  try {
    for (const { line } of readLog({ directory, from: from() })) {
      if (line.kind !== 'event') continue
      if (at - line.event.at < LATE_MS) return []
      const since = new Date(line.event.at).toISOString()
      return [warning(CHECK, `searches find nothing of ${since} and later`, mend)]
    }
    return []
  } catch (error) {
    const found = `it cannot be read: ${brief(error)}`
    return [fault(CHECK, found, `Run "holdfast audit verify ${directory}".`)]
  }
}
