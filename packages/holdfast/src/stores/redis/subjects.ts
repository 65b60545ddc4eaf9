import type { ReplayGuard, Subjects } from '../../core/store.ts'
import { checkedId, checkedSubject, checkedTime, checkedVersion } from '../input.ts'
import { locate, replayDigest, suffixOf } from '../partition.ts'
import { decodeHistory } from '../stored-record.ts'
import { feedArguments, rawOf, texts } from './entries.ts'
import { packedEvent } from './feed-items.ts'
import { redisHistories } from './lists.ts'
import { bufferOf, bytesOf, listOf, numberOf } from './replies.ts'
import { SCRIPTS } from './scripts.ts'
import type { RedisContext } from './store.ts'

/** `Subjects` in Redis: one command for each operation but lists. */
export function redisSubjects(context: RedisContext): Subjects {
  const { ask, keys, now, wake } = context

  return {
    async read(subject) {
      const location = locate(checkedSubject(subject))
      const key = keys.generation(location)
      const reply = await ask.command(key, ['MGET', key, keys.history(location)])
      const [raised, raw] = listOf(reply)
      const generation = numberOf(raised)
      const bytes = bytesOf(raw)
      const history = bytes === undefined ? undefined : decodeHistory(bytes)
      if (history === undefined || history.until <= now()) {
        return { generation, version: 0, sealed: undefined }
      }
      return { generation, version: history.version, sealed: history.sealed }
    },

    async write(subject, { version, sealed, until }) {
      checkedVersion(version)
      checkedTime(until, 'until')
      const location = locate(checkedSubject(subject))
      const reply = await ask.run(
        SCRIPTS.writeHistory,
        [keys.history(location), keys.histories(location.partition)],
        [...texts([now(), version, until]), subject, bufferOf(sealed)],
      )
      return reply === 1 ? 'written' : 'conflict'
    },

    list: redisHistories(context),

    async revoke(subject, { at, reason, except, events = [] }) {
      const location = locate(checkedSubject(subject))
      const { partition } = location
      checkedTime(at, 'at')
      const mine = except !== undefined && locate(checkedId(except)).subject === subject
      const kept = mine ? except : undefined
      const reply = await ask.run(
        SCRIPTS.revokeSubject,
        [
          keys.generation(location),
          keys.index(location),
          keys.feed(partition),
          keys.counter(partition),
          keys.secret(partition),
          keys.confirmed(partition),
          ...(kept === undefined ? [] : [keys.record(location, kept)]),
        ],
        [
          ...feedArguments(context),
          String(at),
          rawOf(subject),
          kept === undefined ? '' : rawOf(kept),
          kept === undefined ? '' : suffixOf(kept),
          reason,
          ...events.map(packedEvent),
        ],
      )
      wake()
      return numberOf(reply)
    },
  }
}

/** `ReplayGuard` in Redis: one command. */
export function redisReplays({ ask, keys, now }: RedisContext): ReplayGuard {
  return {
    async once(key, until) {
      const at = now()
      if (checkedTime(until, 'until') <= at) return false
      const { partition, text } = replayDigest(key)
      const reply = await ask.run(SCRIPTS.once, [keys.replay(partition, text)], texts([at, until]))
      return reply === 1
    },
  }
}
