import { appendFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Keyring, newKeyring } from 'holdfast'
import { fakeHost } from 'holdfast/contracts'
import type { PersonalFacts, SessionEvent } from 'holdfast/maintenance'
import { onTestFinished } from 'vitest'
import type { AuditEntry } from '../../../src/audit/entry.ts'
import {
  type AuditLog,
  type AuditLogOptions,
  openAuditLog,
} from '../../../src/audit/log/audit-log.ts'
import { type LineContent, lineName, lineText, parseLine } from '../../../src/audit/log/lines.ts'
import { newNoteKey, noteSigner } from '../../../src/audit/log/note.ts'
import { openVault, type Vault } from '../../../src/audit/log/personal.ts'
import { leafHash } from '../../../src/audit/log/tree.ts'
import { folder } from '../../support.ts'

export const host = fakeHost()

export const SIGNER = noteSigner(newNoteKey('audit.example/log', host.random))
export const VERIFIER_KEYS = [SIGNER.verifierKey]

/** 16 bytes each, in base64url. */
export const ADA = 'YWRhYWRhYWRhYWRhYWRhYQ'
export const EVE = 'ZXZlZXZlZXZlZXZlZXZlZQ'

export interface Place {
  readonly directory: string
  readonly keyring: Keyring
  readonly vault: Vault
  open(options?: Partial<AuditLogOptions>): AuditLog
}

/** A directory and its vault. Each opening has a later epoch than the one before. */
export function place(directory = folder()): Place {
  const keyring = newKeyring(host)
  const vault = openVault({
    ...{ path: join(directory, 'vault.sqlite'), keyring },
    ...{ now: host.now, random: host.random },
  })
  onTestFinished(() => vault.close())
  let epoch = 0
  return {
    ...{ directory, keyring, vault },
    open(options = {}) {
      epoch++
      const log = openAuditLog({
        ...{ directory, signer: SIGNER, vault, now: host.now },
        epoch,
        ...options,
      })
      onTestFinished(() => log.close())
      return log
    },
  }
}

let made = 0

export function event(facts: Partial<SessionEvent> = {}): SessionEvent {
  made++
  return {
    id: `event-${made}`,
    type: 'session-established',
    at: host.now(),
    actor: 'client',
    subject: ADA,
    session: null,
    network: null,
    device: null,
    decision: null,
    situation: null,
    reason: null,
    correlation: null,
    ...facts,
  }
}

export const PERSONAL: PersonalFacts = {
  ...{ subject: 'ada', tenant: 'default' },
  ...{ address: '203.0.113.7', userAgent: 'Mozilla/5.0 (Ada)' },
}

/** Entries of one partition at these sequences. */
export function entries(
  partition: number,
  sequences: readonly number[],
  personal: PersonalFacts | null = null,
): readonly AuditEntry[] {
  return sequences.map((sequence) => ({ partition, sequence, event: event(), personal }))
}

export function segmentsIn(directory: string): readonly string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name) => join(directory, name))
}

/** Appends a line to a segment as its writer would, whether it still may or not. */
export function addLine(path: string, content: LineContent): void {
  const last = Buffer.from(readFileSync(path, 'utf8').trimEnd().split('\n').at(-1) ?? '')
  const index = (parseLine(last)?.index ?? 0) + 1
  const line = lineText({ v: 1, index, previous: lineName(leafHash(last)), ...content })
  appendFileSync(path, `${line}\n`)
}
