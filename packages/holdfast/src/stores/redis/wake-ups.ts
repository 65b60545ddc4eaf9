import type { HeadWatchOptions } from '../feed/head-watch.ts'
import { invalidOption, type RedisSubscriber } from './client.ts'

const AGAIN_MS = 1_000
const WAKE_UP = /^(\d{1,2}) (\d{1,15})$/

/** Where wake-ups come from, and who hears when they cannot be had. */
export interface WakeOptions {
  /** The channel that the scripts publish on. */
  readonly channel: string
  readonly onWarning: (message: string) => void
}

/**
 * Passes on what scripts publish after a change: the partition and its newest sequence number.
 * Redis may lose a message without a word, so a message only says where to look. The subscription
 * lasts as long as its connection, which its owner closes.
 */
export function redisWake(
  subscriber: RedisSubscriber,
  { channel, onWarning }: WakeOptions,
): NonNullable<HeadWatchOptions['listen']> {
  const subscribe = subscription(subscriber, channel)

  return ({ wake, heard }) => {
    let ended = false
    let warned = false
    let timer: NodeJS.Timeout | undefined
    const { start, stop } = subscribe((message) => {
      const [, partition, sequence] = WAKE_UP.exec(message) ?? []
      if (sequence !== undefined) heard(Number(partition), Number(sequence))
    })

    async function begin(): Promise<void> {
      try {
        await start()
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

type Hear = (message: string) => void

interface Subscription {
  start(): Promise<unknown>
  stop(): void
}

interface Ioredis {
  readonly options: { readonly keyPrefix?: string }
  subscribe(channel: string): Promise<unknown>
  on(event: 'message', listener: (channel: string, message: string) => void): void
  off(event: 'message', listener: (channel: string, message: string) => void): void
}

interface NodeRedis {
  subscribe(channel: string, listener: Hear): Promise<unknown>
  unsubscribe(channel: string, listener: Hear): Promise<unknown>
}

function subscription(client: RedisSubscriber, channel: string): (hear: Hear) => Subscription {
  if (typeof client !== 'object' || client === null || !('subscribe' in client)) {
    throw invalidOption('takes as "subscriber" a second client of the package ioredis or redis')
  }
  if (!('callBuffer' in client)) {
    const node = client as unknown as NodeRedis
    return (hear) => ({
      start: () => node.subscribe(channel, hear),
      stop() {
        // The connection may be gone already; then there is no subscription to end.
        node.unsubscribe(channel, hear).catch(() => {})
      },
    })
  }
  const ioredis = client as unknown as Ioredis
  if (ioredis.options.keyPrefix) {
    throw invalidOption('takes its own "prefix"; make the subscriber without "keyPrefix"')
  }
  return (hear) => {
    const listener = (from: string, message: string): void => {
      if (from === channel) hear(message)
    }
    return {
      start() {
        ioredis.off('message', listener)
        ioredis.on('message', listener)
        return ioredis.subscribe(channel)
      },
      stop: () => ioredis.off('message', listener),
    }
  }
}
