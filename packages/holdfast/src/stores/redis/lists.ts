import type { SubjectKey } from '../../core/ids.ts'
import type { Entries, Found, KeptHistory, Page, Query, Subjects } from '../../core/store.ts'
import { checkedSubject, invalidPosition, pageSize } from '../input.ts'
import { idOf, locate } from '../partition.ts'
import { decodeHistory, decodeRecord, foundOf } from '../stored-record.ts'
import { bytesOf, listOf, numberOf, textOf } from './replies.ts'
import { SCRIPTS } from './scripts.ts'
import type { RedisContext } from './store.ts'

/** So many subjects of a partition are looked up in one command. */
const SUBJECTS_AT_ONCE = 64

/** Where a list goes on: after this score and, among equal scores, after this name. */
interface Position {
  readonly score: string
  readonly name: string
}

const START: Position = { score: '-inf', name: '' }

/** A subject key and the suffix of a session id are equally long. */
const SUFFIX_LENGTH = 22
const NAME = /^[\w-]{22}$/

/** Lists sessions by the indexes, and removes dead ones from them on the way. */
export function redisList({ ask, keys, now }: RedisContext): Entries['list'] {
  /** One command. A page may be short when many of the sessions are dead. */
  async function ofSubject(
    subject: SubjectKey,
    { after, limit }: { readonly after: Position; readonly limit: number },
  ): Promise<Page<Found>> {
    const at = now()
    const location = locate(subject)
    const reply = await ask.run(
      SCRIPTS.list,
      [keys.index(location), keys.generation(location)],
      [
        String(at),
        String(limit),
        after.score,
        after.name,
        keys.recordsOf(location),
        keys.apartOf(location),
      ],
    )
    const [next, records, beside] = listOf(reply)
    const apart = new Map<number, Buffer | undefined>()
    const pairs = listOf(beside)
    for (let i = 0; i < pairs.length; i += 2) apart.set(numberOf(pairs[i]), bytesOf(pairs[i + 1]))
    const items = listOf(records).flatMap((value, i): Found[] => {
      const bytes = bytesOf(value) ?? Buffer.alloc(0)
      const record = decodeRecord(bytes.subarray(SUFFIX_LENGTH), () => apart.get(i + 1))
      if (record.kind !== 'live') return []
      return [foundOf(idOf(subject, bytes.toString('latin1', 0, SUFFIX_LENGTH)), record, at)]
    })
    const position = textOf(next)
    return position === '' ? { items } : { items, next: position }
  }

  /** Lists the subjects of a partition by their last deadlines, and the sessions of each. */
  async function ofPartition(
    partition: number,
    { after, limit }: { readonly after: string | undefined; readonly limit: number },
  ): Promise<Page<Found>> {
    const start = after === undefined ? undefined : parseWithin(after)
    const items: Found[] = []
    let at = start?.subject ?? START
    if (start?.session !== undefined) {
      const page = await ofSubject(start.subject.name, { after: start.session, limit })
      items.push(...page.items)
      if (page.next !== undefined) return { items, next: within(start.subject, page.next) }
    }
    for (;;) {
      const index = keys.subjects(partition)
      const subjects = await namesAfter({ ask, now }, index, { after: at, count: SUBJECTS_AT_ONCE })
      for (const position of subjects) {
        if (items.length >= limit) return { items, next: within(at) }
        const page = await ofSubject(position.name, {
          after: START,
          limit: limit - items.length,
        })
        items.push(...page.items)
        if (page.next !== undefined) return { items, next: within(position, page.next) }
        at = position
      }
      if (subjects.length === 0) return { items }
    }
  }

  return async (query: Query) => {
    const limit = pageSize(query.limit)
    if ('partition' in query) return ofPartition(query.partition, { after: query.after, limit })
    const subject = checkedSubject(query.subject)
    const after = query.after === undefined ? START : parse(query.after)
    return ofSubject(subject, { after, limit })
  }
}

/** Lists the histories of a partition, those that end first in front. Two commands a page. */
export function redisHistories({ ask, keys, now }: RedisContext): Subjects['list'] {
  return async ({ partition, limit, after }) => {
    const index = keys.histories(partition)
    const from = { after: after === undefined ? START : parse(after), count: pageSize(limit) }
    const found = await namesAfter({ ask, now }, index, from)
    const taken = found.slice(0, from.count)
    const last = taken.at(-1)
    if (last === undefined) return { items: [] }
    const names = taken.map(({ name }) => keys.history(locate(name)))
    const reply = listOf(await ask.command(index, ['MGET', ...names]))
    const at = now()
    const items = taken.flatMap(({ name: subject }, i): KeptHistory[] => {
      const bytes = bytesOf(reply[i])
      const history = bytes === undefined ? undefined : decodeHistory(bytes)
      return history === undefined || history.until <= at ? [] : [{ subject, ...history }]
    })
    return found.length < from.count ? { items } : { items, next: within(last) }
  }
}

/** At least `count` subjects of an index after a position, if there are as many. */
async function namesAfter(
  { ask, now }: Pick<RedisContext, 'ask' | 'now'>,
  index: string,
  { after, count }: { readonly after: Position; readonly count: number },
): Promise<readonly Position[]> {
  const args = [String(now()), String(count), after.score, after.name]
  const flat = listOf(await ask.run(SCRIPTS.subjects, [index], args)).map(textOf)
  return flat.flatMap((name, i) => (i % 2 === 0 ? { name, score: flat[i + 1] ?? '' } : []))
}

function within({ score, name }: Position, session?: string): string {
  return session === undefined ? `${score}.${name}` : `${score}.${name}.${session}`
}

function parseWithin(text: string): { subject: Position; session: Position | undefined } {
  const [score = '', name = '', ...session] = text.split('.')
  return {
    subject: parse(`${score}.${name}`),
    session: session.length === 0 ? undefined : parse(session.join('.')),
  }
}

function parse(text: string): Position {
  const [score = '', name = '', ...rest] = text.split('.')
  if (rest.length > 0 || !/^\d{1,15}$/.test(score) || !NAME.test(name)) throw invalidPosition()
  return { score, name }
}
