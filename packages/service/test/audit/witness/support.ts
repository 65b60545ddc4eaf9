import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Database } from '../../../src/audit/database.ts'
import type { AuditLog } from '../../../src/audit/log/audit-log.ts'
import { newNoteKey, noteVerifier } from '../../../src/audit/log/note.ts'
import { countedLeaves } from '../../../src/audit/log/read.ts'
import { consistencyRanges, type Hash, rangeHashes } from '../../../src/audit/log/tree.ts'
import type { Witness } from '../../../src/audit/witness/ask-witness.ts'
import { type Cosigner, cosigner, witnessVerifier } from '../../../src/audit/witness/cosignature.ts'
import {
  createWitnessState,
  openWitnessState,
  type WitnessNotice,
  witnessDesk,
} from '../../../src/audit/witness/witness.ts'
import { witnessServer } from '../../../src/audit/witness/witness-server.ts'
import { folder } from '../../support.ts'
import { entries, host, SIGNER } from '../log/support.ts'

export function newCosigner(name: string): Cosigner {
  return cosigner(newNoteKey(name, host.random, 'witness'))
}

export const W1 = newCosigner('witness.example/w1')
export const W2 = newCosigner('witness.example/w2')

/** An HTTP server that goes with the test. */
export async function serving(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export interface RunningWitness extends Witness {
  readonly key: string
  readonly notices: readonly WitnessNotice[]
  /** Bodies that it was asked. */
  readonly asked: readonly string[]
  readonly state: Database
}

/** A witness of the log that `SIGNER` signs, unless it is one of others. */
export async function witness(
  signer: Cosigner = W1,
  { now = host.now, logs = [SIGNER.verifierKey] } = {},
): Promise<RunningWitness> {
  const path = join(folder(), 'witness.state')
  createWitnessState(path, signer)
  const state = openWitnessState(path, signer)
  onTestFinished(() => state.close())
  const notices: WitnessNotice[] = []
  const asked: string[] = []
  const desk = witnessDesk({
    ...{ signer, logs: logs.map(noteVerifier), state, now },
    onNotice: (notice) => void notices.push(notice),
  })
  const noted = {
    add(body: string) {
      asked.push(body)
      return desk.add(body)
    },
  }
  const server = witnessServer(noted, () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const key = signer.verifierKey
  return { url, key, verifier: witnessVerifier(key), notices, asked, state }
}

export async function ask(
  url: string,
  body: string,
): Promise<{ status: number; type: string | null; text: string }> {
  const answer = await fetch(`${url}/add-checkpoint`, { method: 'POST', body })
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    text: await answer.text(),
  }
}

/** As any other implementation makes it: from all leaves. */
export function wholeProof(directory: string, from: number, size: number): readonly Hash[] {
  const path = rangeHashes(consistencyRanges(from, size))
  for (const { index, leaf } of countedLeaves(directory)) if (index < size) path.add(index, leaf)
  return path.hashes()
}

let sequence = 0

/** So many events more. */
export function grow(log: AuditLog, count: number): void {
  for (let more = 0; more < count; more++) log.append(entries(3, [++sequence]))
}
