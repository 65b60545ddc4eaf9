import { newKeyring } from 'holdfast'
import { PARTITIONS } from 'holdfast/store'
import { onTestFinished } from 'vitest'
import { type AuditDesk, type DeskOptions, openDesk } from '../../../src/audit/desk/desk.ts'
import { DEFAULT_RULES, rulesIn } from '../../../src/audit/findings/rules-file.ts'
import { configOf } from '../../support.ts'
import { host, SIGNER } from '../log/support.ts'

export const keyring = newKeyring(host)

/** Nothing of any partition. */
export const NOWHERE = Array.from({ length: PARTITIONS }, () => 0)

/** Where nobody listens, so that alerts wait in their outbox. */
export const ALERTS = configOf({
  HOLDFAST_ALERTS:
    '{ targets: { ops: { type: webhook, url: "https://127.0.0.1:9/", secrets: [whsec_' +
    `${Buffer.alloc(32, 7).toString('base64')}] } } }`,
}).alerts

/** Closed when the test ends. It alerts nobody, unless it is said whom. */
export function desk(directory: string, options: Partial<DeskOptions> = {}): AuditDesk {
  const opened = openDesk({
    ...{ directory, keyring, signer: SIGNER, now: host.now, random: host.random },
    ...{ rules: rulesIn(DEFAULT_RULES), alerts: configOf({}).alerts, notices: undefined },
    ...{ outputs: [], witnesses: [], quorum: 0, log: { warn() {}, error() {} } },
    ...options,
  })
  onTestFinished(() => opened.close())
  return opened
}

/** Positions of a store in which one partition has come so far. */
export function at(sequence: number): readonly number[] {
  return NOWHERE.map((_, partition) => (partition === 3 ? sequence : 0))
}
