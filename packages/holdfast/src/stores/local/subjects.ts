import { setImmediate as turn } from 'node:timers/promises'
import type { SubjectKey } from '../../core/ids.ts'
import type { KeptHistory, ReplayGuard, Subjects } from '../../core/store.ts'
import { checkedId, checkedSubject, checkedTime, checkedVersion, pageSize } from '../input.ts'
import { locate, replayDigest } from '../partition.ts'
import { isExpired, isReadable } from '../stored-record.ts'
import { indexEntryOf, itemsOf, MAX_EXAMINED } from './entries.ts'
import type { LocalContext } from './store.ts'

/** `Subjects` over the tables of this machine. */
export function localSubjects({ tables, transaction, read, now, publish }: LocalContext): Subjects {
  return {
    async read(subject) {
      checkedSubject(subject)
      return read(() => {
        const generation = tables.generation(subject)
        const history = tables.history(subject)
        if (history === undefined || history.until <= now()) {
          return { generation, version: 0, sealed: undefined }
        }
        return { generation, version: history.version, sealed: history.sealed }
      })
    },

    async write(subject, history) {
      checkedSubject(subject)
      checkedVersion(history.version)
      checkedTime(history.until, 'until')
      return transaction(() => {
        const before = tables.history(subject)
        const stored = before === undefined || before.until <= now() ? 0 : before.version
        if (stored !== history.version - 1) return 'conflict'
        tables.putHistory(subject, history)
        tables.queueExpiry(history.until, { kind: 'history', key: subject })
        return 'written'
      })
    },

    async list({ partition, limit, after }) {
      const from = after === undefined ? undefined : checkedSubject(after)
      const size = pageSize(limit)
      const at = now()
      await turn()
      return read(() => {
        const items: KeptHistory[] = []
        let examined = 0
        let last: SubjectKey | undefined
        for (const subject of tables.historiesIn(partition, from)) {
          if (last !== undefined && (items.length === size || examined === MAX_EXAMINED)) {
            return { items, next: last }
          }
          const history = tables.history(subject)
          if (history !== undefined && history.until > at) items.push({ subject, ...history })
          last = subject
          examined++
        }
        return { items }
      })
    },

    async revoke(subject, { at, reason, except, events = [] }) {
      checkedSubject(subject)
      checkedTime(at, 'at')
      if (except !== undefined) checkedId(except)
      return transaction(() => {
        const time = now()
        const before = tables.generation(subject)
        const generation = Math.max(before + 1, at)
        const record = except === undefined ? undefined : tables.record(except)
        let kept = null
        if (
          except !== undefined &&
          locate(except).subject === subject &&
          isReadable(record, { generation: before, now: time }) &&
          !isExpired(record, time)
        ) {
          const raised = { ...record, generation }
          tables.removeIndexEntry(subject, indexEntryOf(except, record))
          tables.putIndexEntry(subject, indexEntryOf(except, raised))
          tables.putRecord(except, raised)
          kept = except
        }
        tables.putGeneration(subject, generation)
        const item = { kind: 'subject' as const, subject, generation, except: kept, reason, at }
        publish(locate(subject).partition, [item, ...itemsOf(events)])
        return generation
      })
    },
  }
}

/** `ReplayGuard` over the tables of this machine. */
export function localReplays({ tables, transaction, now }: LocalContext): ReplayGuard {
  return {
    async once(key, until) {
      checkedTime(until, 'until')
      const digest = replayDigest(key).text
      return transaction(() => {
        const at = now()
        if (until <= at || (tables.replay(digest) ?? 0) > at) return false
        tables.putReplay(digest, until)
        tables.queueExpiry(until, { kind: 'replay', key: digest })
        return true
      })
    },
  }
}
