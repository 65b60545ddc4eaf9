import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { type Arguments, invalidOption, type RedisPort } from './client.ts'
import { REPLICA, refusalOf } from './refusals.ts'
import { textOf } from './replies.ts'
import { commandBytes, respReader } from './resp.ts'
import type { Subscription } from './wake-ups.ts'

/** A connection of the store's own to a single server. */
export interface RedisConnection extends RedisPort {
  subscription(channel: string): (hear: (message: Buffer) => void) => Subscription
  close(): void
}

export interface RedisConnectionOptions {
  /** `redis:`, `rediss:` or `unix:`. It may have a password in it, so no message shows it. */
  readonly url: string
  readonly tls?: ConnectionOptions | undefined
  /** Longest wait for a connection, ms. One without answers for three times as long is given up. */
  readonly timeoutMs: number
}

interface Waiting {
  readonly args: Arguments
  resolve(reply: unknown): void
  reject(error: unknown): void
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2_000
const KEEP_ALIVE_MS = 30_000

/**
 * The least client: RESP3, the commands of one turn of the event loop in one write, messages on the
 * same connection. It connects when it is first asked. While it connects, commands wait, each
 * within the time limit of its caller; between two attempts they fail at once. What was under way
 * when a connection was lost fails, and is not sent again: nobody knows whether it was done.
 */
export function redisConnection(options: RedisConnectionOptions): RedisConnection {
  const address = addressOf(options)
  const outgoing = commandBytes()
  const subscriptions = new Map<string, Set<Hearing>>()
  let socket: Socket | undefined
  let ready = false
  let closed = false
  let pause: NodeJS.Timeout | undefined
  let attempts = 0
  /** Why there is no connection. */
  let failure: unknown
  let sent: Waiting[] = []
  let answered = 0
  let unsent: Waiting[] = []
  let flushing = false
  /** When an answer came last, or the first command went out that waits for one. */
  let heardAt = 0

  function send(args: Arguments): Promise<unknown> {
    if (closed) return Promise.reject(new Error('The connection to Redis is closed.'))
    if (pause !== undefined) return Promise.reject(failure)
    return new Promise((resolve, reject) => {
      const waiting = { args, resolve, reject }
      if (ready) write(waiting)
      else unsent.push(waiting)
      if (socket === undefined) open()
    })
  }

  function write(waiting: Waiting): void {
    if (answered === sent.length) heardAt = performance.now()
    sent.push(waiting)
    outgoing.add(waiting.args)
    if (flushing) return
    flushing = true
    process.nextTick(flush)
  }

  function flush(): void {
    flushing = false
    const bytes = outgoing.take()
    if (socket === undefined || bytes.length === 0) return
    if (performance.now() - heardAt > 3 * options.timeoutMs) {
      lost(socket, new Error('Redis does not answer any more.'))
      return
    }
    socket.write(bytes)
    // The system has all of it already, as a rule. TLS may read it later.
    if (address.opened === 'connect' && socket.writableLength === 0) outgoing.giveBack(bytes)
  }

  function open(): void {
    const opening = address.connect()
    socket = opening
    opening.setNoDelay(true)
    opening.setKeepAlive(true, KEEP_ALIVE_MS)
    const limit = setTimeout(() => {
      lost(opening, new Error(`No connection to Redis within ${options.timeoutMs} ms.`))
    }, options.timeoutMs)
    const read = respReader({ reply, push })
    opening.once(address.opened, () => {
      greet(opening)
        .catch((error: unknown) => lost(opening, error))
        .finally(() => clearTimeout(limit))
    })
    opening.on('data', (chunk: Buffer) => {
      if (opening !== socket) return
      heardAt = performance.now()
      try {
        read(chunk)
      } catch (error) {
        lost(opening, error)
      }
    })
    opening.on('error', (error) => lost(opening, error))
    opening.on('close', () => {
      clearTimeout(limit)
      lost(opening, new Error('Redis closed the connection.'))
    })
  }

  async function greet(opening: Socket): Promise<void> {
    const [hello] = await Promise.all(
      address.greeting.map(
        (args) => new Promise<unknown>((resolve, reject) => write({ args, resolve, reject })),
      ),
    )
    if (opening !== socket) return
    // The name leads here still, and another server is the master.
    if (roleIn(hello) === 'replica') throw new Error(REPLICA)
    ready = true
    attempts = 0
    for (const waiting of unsent.splice(0)) write(waiting)
    for (const [channel, hearings] of subscriptions) {
      subscribe(channel).then(
        () => {
          for (const { again } of hearings) again()
        },
        () => {},
      )
    }
  }

  function lost(from: Socket, error: unknown): void {
    if (from !== socket) return
    socket = undefined
    ready = false
    from.destroy()
    outgoing.take()
    failure = error
    const failed = [...sent.slice(answered), ...unsent]
    sent = []
    unsent = []
    answered = 0
    if (!closed) {
      const wait = Math.min(FIRST_PAUSE_MS * 2 ** attempts++, LONGEST_PAUSE_MS)
      pause = setTimeout(reconnect, wait)
      pause.unref()
    }
    for (const { reject } of failed) reject(error)
  }

  function reconnect(): void {
    pause = undefined
    if (subscriptions.size > 0) open()
  }

  function reply(value: unknown): void {
    const waiting = sent[answered]
    if (waiting === undefined) throw new Error('Redis answered what nobody asked.')
    answered++
    if (answered === sent.length || answered === 1_024) {
      sent = sent.slice(answered)
      answered = 0
    }
    if (!(value instanceof Error)) {
      waiting.resolve(value)
      return
    }
    waiting.reject(value)
    // The name may lead to another server, which has become the master.
    if (socket !== undefined && refusalOf(value)?.elsewhere === true) lost(socket, value)
  }

  function push([kind, channel, message]: readonly unknown[]): void {
    const what = textOf(kind)
    if (what === 'message' && Buffer.isBuffer(message)) {
      for (const { hear } of subscriptions.get(textOf(channel)) ?? []) hear(message)
    } else if (what === 'subscribe') {
      // It stands for the answer to the command, which has no other.
      reply(null)
    }
  }

  const subscribe = (channel: string): Promise<unknown> => send(['SUBSCRIBE', channel])

  return {
    cluster: false,
    command: (_key, args) => send(args),
    onEachMaster: async (args) => [await send(args)],
    subscription: (channel) => (hear) => {
      const hearings = subscriptions.get(channel) ?? new Set()
      const hearing = { hear, again: () => {} }
      return {
        async start(again) {
          hearing.again = again
          hearings.add(hearing)
          subscriptions.set(channel, hearings)
          await subscribe(channel)
        },
        stop: () => void hearings.delete(hearing),
      }
    },
    close() {
      closed = true
      clearTimeout(pause)
      if (socket !== undefined) lost(socket, new Error('The connection to Redis is closed.'))
    },
  }
}

/** What a server says it is in its answer to HELLO, a flat list of names and values. */
function roleIn(hello: unknown): string | undefined {
  if (!Array.isArray(hello)) return undefined
  const at = hello.findIndex((item) => Buffer.isBuffer(item) && item.toString() === 'role')
  return at === -1 ? undefined : textOf(hello[at + 1])
}

interface Hearing {
  readonly hear: (message: Buffer) => void
  /** Called after each later subscription: messages may have been missed. */
  again: () => void
}

interface Address {
  connect(): Socket
  /** The event after which it can be written to. */
  readonly opened: 'connect' | 'secureConnect'
  /** The commands that a connection begins with. */
  readonly greeting: readonly Arguments[]
}

const PORT = 6_379

function addressOf({ url, tls }: RedisConnectionOptions): Address {
  const read = URL.canParse(url) ? new URL(url) : undefined
  const { protocol, hostname, port, pathname, searchParams } = read ?? noUrl()
  const local = protocol === 'unix:'
  const secure = protocol === 'rediss:' || protocol === 'valkeys:'
  if (!local && !secure && protocol !== 'redis:' && protocol !== 'valkey:') noUrl()
  const given = local
    ? [searchParams.get('username'), searchParams.get('password'), searchParams.get('db')]
    : [decoded(read?.username), decoded(read?.password), pathname.slice(1)]
  const [username, password, db] = given.map((text) => text || undefined)
  if ((local ? pathname : hostname) === '' || !/^\d{0,5}$/.test(db ?? '')) noUrl()
  const auth = password === undefined ? [] : (['AUTH', username ?? 'default', password] as const)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const place = { host, port: port === '' ? PORT : Number(port) }
  return {
    connect: () => {
      if (local) return connect(decoded(pathname) ?? '')
      if (!secure) return connect(place)
      return connectTls({ ...place, ...(isName(host) ? { servername: host } : {}), ...tls })
    },
    opened: secure ? 'secureConnect' : 'connect',
    greeting: [['HELLO', '3', ...auth], ...(db === undefined ? [] : ([['SELECT', db]] as const))],
  }
}

/** A server name in TLS is no address (RFC 6066, section 3). */
function isName(host: string): boolean {
  return !host.includes(':') && !/^[\d.]+$/.test(host)
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text && decodeURIComponent(text)
  } catch {
    return noUrl()
  }
}

function noUrl(): never {
  throw invalidOption(
    'takes as "url" redis://user:password@host:port/db, rediss:// for TLS, or unix:/path?db=0; ' +
      'for Sentinel or Cluster hand over a "client" of ioredis or redis',
  )
}
