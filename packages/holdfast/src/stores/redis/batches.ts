import { unexpectedReply } from './replies.ts'

/** What goes together, and how it is sent. */
export interface BatchOptions<Item, Answer> {
  /** Items of different queues are sent apart. Default 1. */
  readonly queues?: number
  /** Most items that are sent together. */
  readonly most: number
  /** When what was asked for by then is sent. */
  readonly later: (flush: () => void) => void
  /** Answers for all of them, in their order. An `Error` is the failure of one alone. */
  readonly send: (batch: readonly Item[]) => Promise<readonly (Answer | Error)[]>
}

interface Waiting<Item, Answer> {
  readonly item: Item
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/**
 * Sends together what is asked for in one go: the work of a client for a command costs several
 * times what Redis does for it.
 */
export function batches<Item, Answer = unknown>({
  queues: count = 1,
  most,
  later,
  send,
}: BatchOptions<Item, Answer>): (item: Item, queue?: number) => Promise<Answer> {
  const queues = Array.from({ length: count }, (): Waiting<Item, Answer>[] => [])
  let due = false

  function flush(): void {
    due = false
    for (const queue of queues) {
      if (queue.length === 0) continue
      const all = queue.splice(0)
      for (let at = 0; at < all.length; at += most) void sendTogether(all.slice(at, at + most))
    }
  }

  async function sendTogether(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await send(batch.map(({ item }) => item))
      if (answers.length !== batch.length) throw unexpectedReply()
      for (const [at, { resolve, reject }] of batch.entries()) {
        const answer = answers[at] as Answer | Error
        if (answer instanceof Error) reject(answer)
        else resolve(answer)
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  return (item, queue = 0) =>
    new Promise((resolve, reject) => {
      queues[queue]?.push({ item, resolve, reject })
      if (due) return
      due = true
      later(flush)
    })
}
