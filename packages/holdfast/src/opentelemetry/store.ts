import { context, type Tracer, trace } from '@opentelemetry/api'
import type { Store } from '../core/store.ts'
import { within } from './span.ts'

/**
 * The same store, with a span for each operation that a recorded call waits for. What is answered
 * at once (`read.now`) has none, nor has what happens in the background.
 */
export function tracedStore(store: Store, tracer: () => Tracer | undefined): Store {
  const { entries, subjects, replays, feed, proveWritable, onRollback } = store

  function told<Args extends unknown[], Answer>(
    name: string,
    work: (...args: Args) => Promise<Answer>,
  ): (...args: Args) => Promise<Answer> {
    const spanName = `holdfast.store.${name}`
    return (...args) => {
      const parent = context.active()
      if (trace.getSpan(parent)?.isRecording() !== true) return work(...args)
      const span = tracer()?.startSpan(spanName, {}, parent)
      return span === undefined ? work(...args) : within({ span, parent }, () => work(...args))
    }
  }

  const read = told('read', (id: Parameters<typeof entries.read>[0]) => entries.read(id))
  const { now } = entries.read
  return {
    entries: {
      read: now === undefined ? read : Object.assign(read, { now }),
      write: told('write', (entry, options) => entries.write(entry, options)),
      revoke: told('revoke', (id, end) => entries.revoke(id, end)),
      expire: told('expire', (id, end) => entries.expire(id, end)),
      touch: told('touch', (seen) => entries.touch(seen)),
      list: told('list', (query) => entries.list(query)),
    },
    subjects: {
      read: told('subject.read', (subject) => subjects.read(subject)),
      write: told('subject.write', (subject, history) => subjects.write(subject, history)),
      list: (query) => subjects.list(query),
      revoke: told('subject.revoke', (subject, end) => subjects.revoke(subject, end)),
    },
    replays: { once: told('once', (key, until) => replays.once(key, until)) },
    feed,
    ...(proveWritable === undefined ? {} : { proveWritable: proveWritable.bind(store) }),
    ...(onRollback === undefined ? {} : { onRollback: onRollback.bind(store) }),
    close: () => store.close(),
  }
}
