import type { ReplayGuard, Subjects } from '../../core/store.ts'
import { checkedId, checkedSubject, checkedTime, checkedVersion } from '../input.ts'
import { homeOf, markDigest, tailOf } from '../partition.ts'
import { decodeHistory } from '../stored-record.ts'
import { eventArguments, texts } from './entries.ts'
import { redisHistories } from './lists.ts'
import { bufferOf, bytesOf, listOf, numberOf } from './replies.ts'
import { SCRIPTS } from './scripts.ts'
import type { RedisParts } from './store.ts'

/** `Subjects` in Redis: one command each, but for lists. */
export function redisSubjects(parts: RedisParts): Subjects {
  const { ask, keys, now, feedLimit, wake } = parts

  return {
    async read(subject) {
      const home = homeOf(checkedSubject(subject))
      const key = keys.generation(home)
      const reply = await ask.command(key, ['MGET', key, keys.history(home)])
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
      const home = homeOf(checkedSubject(subject))
      const reply = await ask.run(
        SCRIPTS.writeHistory,
        [keys.history(home), keys.histories(home.partition)],
        [...texts([now(), version, until]), subject, bufferOf(sealed)],
      )
      return reply === 1 ? 'written' : 'conflict'
    },

    list: redisHistories(parts),

    async revoke(subject, { at, reason, except, events = [] }) {
      const home = homeOf(checkedSubject(subject))
      const { partition } = home
      checkedTime(at, 'at')
      const mine = except !== undefined && homeOf(checkedId(except)).subject === subject
      const kept = mine ? except : undefined
      const reply = await ask.run(
        SCRIPTS.revokeSubject,
        [
          keys.generation(home),
          keys.index(home),
          keys.feed(partition),
          keys.counter(partition),
          ...(kept === undefined ? [] : [keys.record(home, kept)]),
        ],
        [
          ...texts([now(), feedLimit]),
          subject,
          String(at),
          reason,
          kept ?? '',
          kept === undefined ? '' : tailOf(kept),
          ...eventArguments(events),
        ],
      )
      wake()
      return numberOf(reply)
    },
  }
}

/** `Marks` in Redis: one command. */
export function redisMarks({ ask, keys, now }: RedisParts): ReplayGuard {
  return {
    async once(key, until) {
      const at = now()
      if (checkedTime(until, 'until') <= at) return false
      const { partition, text } = markDigest(key)
      const reply = await ask.run(SCRIPTS.mark, [keys.mark(partition, text)], texts([at, until]))
      return reply === 1
    },
  }
}
