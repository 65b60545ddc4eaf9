import type { HeadWatchOptions } from '../feed/head-watch.ts'
import { invalidOption, type RedisSubscriber } from './client.ts'
import { toldMessage } from './told-message.ts'
import type { WakeSecrets } from './wake-secrets.ts'

const AGAIN_MS = 1_000
const WAKE_UP = /^(\d{1,2}) (\d{1,15})$/
const LONGEST = 20

/** Where wake-ups come from, and who hears when they cannot be had. */
export interface WakeOptions {
  readonly secrets: WakeSecrets
  readonly onWarning: (message: string) => void
}

/**
 * Passes on what scripts publish after a change: the partition and its newest sequence number, and
 * after an ending the newest entries as well. Redis may lose a message without a word, and others
 * may publish, so a number only says where to look, and entries are believed under the secret of
 * their partition alone. The subscription lasts as long as its connection, which its owner closes.
 */
export function redisWake(
  subscribe: (hear: Hear) => Subscription,
  { onWarning, secrets }: WakeOptions,
): NonNullable<HeadWatchOptions['listen']> {
  return ({ wake, heard, told }) => {
    let ended = false
    let warned = false
    let timer: NodeJS.Timeout | undefined
    const { start, stop } = subscribe((message) => {
      // Whatever a client hands on of a reply that is no message.
      if (!Buffer.isBuffer(message)) return
      const [, partition, sequence] = WAKE_UP.exec(message.toString('latin1', 0, LONGEST)) ?? []
      if (sequence !== undefined) return heard(Number(partition), Number(sequence))
      const read = toldMessage(message, secrets.of)
      if (read === 'foreign') secrets.doubt()
      else if (read !== undefined) told(read.partition, read.run)
    })

    async function begin(): Promise<void> {
      try {
        secrets.doubt()
        await start(wake)
        wake()
      } catch (error) {
        if (ended) return
        timer = setTimeout(() => void begin(), AGAIN_MS)
        timer.unref()
        if (!warned) onWarning(`Redis: no wake-ups yet, changes are polled for: ${String(error)}`)
        warned = true
      }
    }

    void begin()
    return () => {
      ended = true
      clearTimeout(timer)
      stop()
    }
  }
}

type Hear = (message: Buffer) => void

export interface Subscription {
  /** Hears from then on. `again` is called where messages may have been missed since, if known. */
  start(again: () => void): Promise<unknown>
  stop(): void
}

interface Ioredis {
  readonly options: { readonly keyPrefix?: string }
  subscribe(channel: string): Promise<unknown>
  on(event: 'messageBuffer', listener: (channel: Buffer, message: Buffer) => void): void
  off(event: 'messageBuffer', listener: (channel: Buffer, message: Buffer) => void): void
}

interface NodeRedis {
  subscribe(channel: string, listener: Hear, bufferMode: true): Promise<unknown>
  unsubscribe(channel: string, listener: Hear, bufferMode: true): Promise<unknown>
}

/** A subscription of a client that the application made. */
export function subscriptionOf(
  client: RedisSubscriber,
  channel: string,
): (hear: Hear) => Subscription {
  if (typeof client !== 'object' || client === null || !('subscribe' in client)) {
    throw invalidOption('takes as "subscriber" a second client of the package ioredis or redis')
  }
  if (!('callBuffer' in client)) {
    const node = client as unknown as NodeRedis
    return (hear) => ({
      start: () => node.subscribe(channel, hear, true),
      stop() {
        // The connection may be gone already; then there is no subscription to end.
        node.unsubscribe(channel, hear, true).catch(() => {})
      },
    })
  }
  const ioredis = client as unknown as Ioredis
  if (ioredis.options.keyPrefix) {
    throw invalidOption('takes its own "prefix"; make the subscriber without "keyPrefix"')
  }
  return (hear) => {
    const listener = (from: Buffer, message: Buffer): void => {
      if (String(from) === channel) hear(message)
    }
    return {
      start() {
        ioredis.off('messageBuffer', listener)
        ioredis.on('messageBuffer', listener)
        return ioredis.subscribe(channel)
      },
      stop: () => ioredis.off('messageBuffer', listener),
    }
  }
}
