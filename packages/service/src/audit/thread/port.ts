import type { MessagePort, Worker } from 'node:worker_threads'
import { SessionError } from 'holdfast'

/** Methods that another thread calls. Arguments and answers are copied (structured clone). */
export type Methods = Readonly<Record<string, (...given: never[]) => unknown>>

/** Methods of another thread. */
export type Remote<M extends Methods> = {
  readonly [Name in keyof M]: (
    ...given: Parameters<M[Name]>
  ) => Promise<Awaited<ReturnType<M[Name]>>>
}

/** One end of the connection: a port, or a worker as its owner sees it. */
export type PortEnd = Pick<MessagePort | Worker, 'postMessage' | 'on'>

type Message =
  | { readonly ask: string; readonly number: number; readonly given: readonly unknown[] }
  | { readonly answer: unknown; readonly number: number }
  | { readonly fault: Fault; readonly number: number }
  | { readonly tell: unknown }

interface Fault {
  readonly code: SessionError['code'] | undefined
  readonly message: string
  readonly stack: string | undefined
}

/** Tells the other end something that it has not asked for. */
export function tellOver(port: PortEnd, what: unknown): void {
  port.postMessage({ tell: what } satisfies Message)
}

/** Answers what the other end asks. Calls run as they come, and may overlap where they wait. */
export function answerOn(port: PortEnd, methods: Methods): void {
  async function answer(name: string, given: readonly unknown[]): Promise<unknown> {
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined
    if (method === undefined) throw new Error(`There is no method ${name}.`)
    return method(...(given as never[]))
  }

  port.on('message', (message: Message) => {
    if (!('ask' in message)) return
    const { ask, number, given } = message
    answer(ask, given).then(
      (done) => port.postMessage({ answer: done, number } satisfies Message),
      (error: unknown) => port.postMessage({ fault: faultOf(error), number } satisfies Message),
    )
  })
}

/**
 * The methods of the other end, and what it tells without being asked. `lost` rejects all calls
 * that wait, and those that come.
 */
export function askOver<M extends Methods>(
  port: PortEnd,
  heard: (told: unknown) => void = () => {},
): { readonly remote: Remote<M>; readonly lost: (why: Error) => void } {
  const waiting = new Map<number, { resolve(answer: unknown): void; reject(why: Error): void }>()
  let numbers = 0
  let gone: Error | undefined

  port.on('message', (message: Message) => {
    if ('ask' in message) return
    if ('tell' in message) return heard(message.tell)
    const call = waiting.get(message.number)
    waiting.delete(message.number)
    if ('fault' in message) call?.reject(errorOf(message.fault))
    else call?.resolve(message.answer)
  })

  function call(ask: string, given: readonly unknown[]): Promise<unknown> {
    if (gone !== undefined) return Promise.reject(gone)
    const number = ++numbers
    return new Promise((resolve, reject) => {
      waiting.set(number, { resolve, reject })
      port.postMessage({ ask, number, given } satisfies Message)
    })
  }

  return {
    remote: new Proxy({} as Remote<M>, {
      get: (_, name) =>
        // A promise is asked for this one.
        name === 'then' ? undefined : (...given: unknown[]) => call(String(name), given),
    }),
    lost(why) {
      gone = why
      for (const { reject } of waiting.values()) reject(why)
      waiting.clear()
    },
  }
}

function faultOf(error: unknown): Fault {
  if (!(error instanceof Error))
    return { code: undefined, message: String(error), stack: undefined }
  const code = error instanceof SessionError ? error.code : undefined
  return { code, message: error.message, stack: error.stack }
}

function errorOf({ code, message, stack }: Fault): Error {
  const error = code === undefined ? new Error(message) : new SessionError(code, message)
  if (stack !== undefined) error.stack = stack
  return error
}
