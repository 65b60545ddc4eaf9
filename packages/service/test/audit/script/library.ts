import { setImmediate as turn } from 'node:timers/promises'
import {
  createSessions,
  newKeyring,
  type PersonalFacts,
  SessionError,
  type SessionEvent,
  type Store,
  thresholdPolicy,
} from 'holdfast'
import { fakeHost } from 'holdfast/contracts'
import { eventLog, eventRecorder, type OperatorFacts, rotateKeyring } from 'holdfast/maintenance'
import { memoryStore } from 'holdfast/memory'
import { geoLookup } from 'holdfast/network'
import { onTestFinished } from 'vitest'
import { ringInPlace } from '../../../src/main/ring-in-place.ts'
import { folder } from '../../support.ts'
import { geoFiles } from './geo.ts'
import { CAREFUL, CAREFUL_TENANT, SESSION_LIMIT } from './steps.ts'
import type { Way } from './way.ts'

/** The library in process, and what it tells and its store keeps. */
export interface Played extends Way {
  heard(): readonly SessionEvent[]
  kept(): Promise<readonly SessionEvent[]>
}

export async function library(eventSampling: number, host = fakeHost()): Promise<Played> {
  const memory = memoryStore({ now: host.now })
  onTestFinished(() => memory.close())
  const { city, asn } = geoFiles(folder())
  const geo = geoLookup({
    ...{ city: [city], asn: [asn] },
    onProblem: ({ message }) => {
      throw new Error(message)
    },
  })
  onTestFinished(() => geo.close())
  let away = false
  const store = interrupted(memory, () => away)
  let ring = newKeyring(host)
  const keyring = ringInPlace(() => ring)
  const heard: SessionEvent[] = []
  const told: string[] = []
  const onEvent = (event: SessionEvent, personal: PersonalFacts | null): void => {
    heard.push(event)
    told.push(JSON.stringify([event, personal]))
  }
  const sessions = createSessions({
    ...{ store, keyring, host, lookup: geo.lookup, onEvent, eventSampling },
    ...{
      personalFacts: 'full' as const,
      sessionLimit: SESSION_LIMIT,
      sessionLimitBeyond: 'refuse',
    },
    tenantPolicies: { [CAREFUL_TENANT]: thresholdPolicy({ ...CAREFUL, revokeForks: false }) },
  })
  const recorder = eventRecorder({ store, keyring, host, onEvent, eventSampling })
  const acted = (
    reason: string,
    about: Pick<OperatorFacts, 'session' | 'subject'>,
  ): Promise<void> => recorder.record('admin-acted', { actor: 'ops', reason, ...about })
  const by = { reason: 'stolen_laptop', actor: 'ops' }

  return {
    sessions,
    async show(token, request, asks) {
      try {
        const shown = await sessions.verify({ token, request, deliverable: true, ...asks })
        return shown.ok ? { code: 'ok', token: shown.token ?? token } : { code: shown.code, token }
      } catch (error) {
        if (error instanceof SessionError) return { code: error.code, token }
        throw error
      }
    },
    advance: host.advance,
    operator: {
      async look(session) {
        await acted('session_viewed', { session })
        await sessions.show(session)
      },
      async list(subject) {
        await acted('sessions_listed', { subject: { subject } })
        await sessions.list({ subject })
      },
      async end(session) {
        await sessions.revoke(session, by)
        await acted('session_revoked', { session })
      },
      async endAll(subject) {
        await sessions.revokeSubject({ subject }, by)
        await acted('subject_revoked', { subject: { subject } })
      },
      async patch(session) {
        await sessions.patchAttributes(session, { note: 'called' }, 0, { actor: 'ops' })
        await acted('attributes_changed', { session })
      },
    },
    async rotateKeys() {
      ring = rotateKeyring(ring, host)
      await recorder.record('key-rotated', { reason: 'sealing' })
    },
    async outage(work) {
      away = true
      await work()
      away = false
    },
    heard: () => heard,
    written: () => told.join('\n'),
    async kept() {
      await turn()
      return (await eventLog({ store, keyring }).read(undefined, 1_000)).items
    },
  }
}

/** A store whose calls fail while it is away. */
function interrupted(store: Store, isAway: () => boolean): Store {
  function guarded<Part extends object>(part: Part): Part {
    return new Proxy(part, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...given: unknown[]) => {
          if (!isAway()) return Reflect.apply(value, target, given)
          return Promise.reject(new SessionError('store_unavailable', 'The store is away.'))
        }
      },
    })
  }
  const { entries, subjects, replays } = store
  return {
    ...store,
    ...{ entries: guarded(entries), subjects: guarded(subjects), replays: guarded(replays) },
  }
}
