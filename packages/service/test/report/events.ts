import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Thresholds, thresholdPolicy } from 'holdfast'
import { calm } from '../../../holdfast/test/policies/calm.ts'
import { folder } from '../support.ts'

/** 2026-01-05, a Monday. */
export const START = Date.UTC(2026, 0, 5)
export const DAY = 86_400_000

const POLICY: Thresholds = { observe: 12, challenge: 24, limit: 50, revokeForks: false }

/** One line of a log, made by hand where what it says is what matters. */
export function event(type: string, changes: Record<string, unknown> = {}): object {
  return {
    id: 'x',
    type,
    at: START,
    actor: 'client',
    subject: 'subject-0',
    session: 'session-0',
    network: { asn: 64500, country: 'NO' },
    device: { family: 'chrome', major: 156, os: 'windows' },
    decision: null,
    situation: null,
    reason: null,
    correlation: null,
    ...changes,
  }
}

/** What `balanced` decides of these reasons in a calm situation, as an event has it. */
export function decided(weights: Readonly<Record<string, number>>): object {
  const evidence = Object.entries(weights).map(([reason, weight]) => ({
    group: GROUPS[reason] ?? ('N' as const),
    reason,
    weight,
    detail: {},
    text: 'A fact.',
  }))
  const situation = { ...calm, context: 'provisional' as const }
  return { decision: thresholdPolicy(POLICY)(evidence, situation), situation }
}

const GROUPS: Readonly<Record<string, 'D'>> = { screen_new: 'D', language_changed: 'D' }

/** A file of events, one a line. */
export function logFile(events: readonly object[]): string {
  const path = join(folder(), 'events.jsonl')
  writeFileSync(path, events.map((one) => `${JSON.stringify(one)}\n`).join(''))
  return path
}
