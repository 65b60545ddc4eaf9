import { connect, createServer, type Socket } from 'node:net'

/** What happens on a line. */
export type Weather =
  | { readonly kind: 'clear' }
  /** Each piece arrives so much later. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** Connections are reset, new ones at once. */
  | { readonly kind: 'down' }
  /** Bytes vanish and nobody is told. A connection that has met this stays dead. */
  | { readonly kind: 'silent' }

const CLEAR: Weather = { kind: 'clear' }

/** A TCP line to one server of this machine, whose weather can be made. */
export interface FaultProxy {
  readonly port: number
  /** Where new connections go. */
  lead(target: number): void
  /** `clients`: replicas and Sentinels keep their connections; `peers`: only they are hit. */
  weather(now: Weather, whose?: 'all' | 'clients' | 'peers'): void
  /** Resets every connection once. */
  reset(): void
  /** Sends these bytes to all who are connected, as if the server had. */
  inject(bytes: string): void
  close(): Promise<void>
}

/** The first words of a replica's handshake, and of a Sentinel that looks at a server. */
const PEER = /^\*1\r\n\$4\r\nPING\r\n|sentinel-[0-9a-f]{8}-(?:cmd|pubsub)/i

interface Line {
  readonly near: Socket
  readonly far: Socket
  /** Known by the first bytes. */
  whose: 'clients' | 'peers'
  dead: boolean
}

export async function faultProxy(): Promise<FaultProxy> {
  const now: Record<'clients' | 'peers', Weather> = { clients: CLEAR, peers: CLEAR }
  const lines = new Set<Line>()
  let target = 0

  function end(line: Line): void {
    lines.delete(line)
    for (const socket of [line.near, line.far]) {
      if (!socket.destroyed) socket.resetAndDestroy()
    }
  }

  /** Carries what one side says to the other, in order. */
  function carry(line: Line, from: Socket, to: Socket): void {
    let tail = Promise.resolve()
    from.on('data', (piece) => {
      const weather = now[line.whose]
      if (weather.kind === 'down') return end(line)
      line.dead ||= weather.kind === 'silent'
      if (line.dead) return
      const wait = weather.kind === 'slow' ? weather.delayMs : 0
      const at = performance.now() + wait
      tail = tail.then(async () => {
        const left = at - performance.now()
        if (left > 0) await new Promise((resolve) => setTimeout(resolve, left))
        if (!line.dead && !to.destroyed) to.write(piece)
      })
    })
    from.on('error', () => end(line))
    from.on('close', () => {
      if (!line.dead) tail = tail.then(() => end(line))
    })
  }

  const server = createServer((near) => {
    const far = connect({ port: target, host: '127.0.0.1' })
    for (const socket of [near, far]) socket.setNoDelay(true)
    const line: Line = { near, far, whose: 'clients', dead: false }
    lines.add(line)
    near.once('data', (first) => {
      if (PEER.test(first.toString('latin1'))) line.whose = 'peers'
    })
    carry(line, near, far)
    carry(line, far, near)
    if (now.clients.kind === 'down' && now.peers.kind === 'down') end(line)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('A proxy has no port.')

  return {
    port: address.port,
    lead(port) {
      target = port
    },
    weather(weather, whose = 'all') {
      const hit = whose === 'all' ? (['clients', 'peers'] as const) : [whose]
      for (const who of hit) now[who] = weather
      for (const line of lines) {
        if (!hit.includes(line.whose)) continue
        if (weather.kind === 'down') end(line)
        if (weather.kind === 'silent') line.dead = true
      }
    },
    reset() {
      for (const line of lines) end(line)
    },
    inject(bytes) {
      for (const { near } of lines) near.write(Buffer.from(bytes, 'latin1'))
    },
    async close() {
      for (const line of lines) end(line)
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
