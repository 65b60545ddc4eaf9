import type { Server, Socket } from 'node:net'
import {
  type AddressSet,
  addressSet,
  formatAddress,
  parseAddress,
  parseCidr,
  parseClientAddress,
} from 'holdfast/network'
import type { Logger } from 'pino'
import { UNIX_PEERS } from '../config/client-address.ts'
import type { Config } from '../config/schema.ts'
import { type SampledWarn, sampledWarnings } from './sampled-log.ts'

/** Who begins connections with a PROXY header (versions 1 and 2), and must. */
export interface ProxyProtocol {
  /**
   * Reads the header of such connections before the server sees them: their peer is then the client
   * that the header names. Others are handed on as they are, and what they send is HTTP. What it
   * returns ends the connections of which the header has not come.
   */
  guard(server: Server): () => void
}

export interface ProxyProtocolOptions {
  /** Addresses, prefixes, and `unix` for whoever may open a unix socket. */
  readonly peers: readonly string[]
  /** How long a header may take to arrive. */
  readonly timeoutMs: number
  readonly warn: SampledWarn
}

/** A balancer sends its header with the first packet, so only loss of it takes longer. */
const HEADER_MS = 5_000

/** As the configuration has it. */
export function proxiedAs(
  { proxyProtocolPeers: peers, requestTimeout }: Config,
  log: Logger,
): ProxyProtocol | undefined {
  const timeoutMs = Math.min(HEADER_MS, requestTimeout)
  return proxyProtocol({ peers, timeoutMs, warn: sampledWarnings(log) })
}

/** Undefined where nobody is to send headers. */
export function proxyProtocol({
  peers,
  timeoutMs,
  warn,
}: ProxyProtocolOptions): ProxyProtocol | undefined {
  if (peers.length === 0) return undefined
  const trusted = addressSet(peers.flatMap((peer) => parseCidr(peer) ?? []))
  const unix = peers.includes(UNIX_PEERS)

  return {
    guard(server) {
      const waiting = new Set<Socket>()
      const handOn = server.listeners('connection')
      server.removeAllListeners('connection')
      server.on('connection', (socket: Socket) => {
        const proceed = (): void => {
          for (const listener of handOn) listener.call(server, socket)
        }
        if (!isOf(socket.remoteAddress, trusted, unix)) {
          proceed()
          return
        }
        const address = socket.remoteAddress
        waiting.add(socket)
        awaitHeader(socket, timeoutMs, (problem) => {
          waiting.delete(socket)
          if (problem === undefined) proceed()
          else warn('proxy_header', { address, problem }, REFUSED)
        })
      })
      return () => {
        for (const socket of waiting) socket.destroy()
      }
    },
  }
}

const REFUSED =
  'a connection was refused: its peer is in proxyProtocolPeers and sent no PROXY header ' +
  'that can be read'

function isOf(remote: string | undefined, trusted: AddressSet, unix: boolean): boolean {
  const address = remote === undefined ? undefined : parseAddress(remote)
  return address === undefined ? unix : trusted.has(address)
}

/**
 * Takes the header off the socket. `done` is called once: without a problem and with the peer that
 * the header names, or with one, and the connection destroyed.
 */
function awaitHeader(
  socket: Socket,
  timeoutMs: number,
  done: (problem: string | undefined) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0)
  const timer = setTimeout(() => finish('late'), timeoutMs)
  const gone = (): void => finish('cut off')

  function finish(problem: string | undefined): void {
    clearTimeout(timer)
    socket.off('readable', read)
    socket.off('close', gone)
    socket.off('end', gone)
    if (problem !== undefined) socket.destroy()
    else socket.off('error', ignore)
    done(problem)
  }

  function read(): void {
    for (let chunk = take(socket); chunk !== null; chunk = take(socket)) {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
      const header = readProxyHeader(bytes)
      if (header === 'incomplete') continue
      if (typeof header === 'string') {
        finish(header)
        return
      }
      const rest = bytes.subarray(header.length)
      if (!header.local) namePeer(socket, header.client)
      finish(undefined)
      if (rest.length > 0) socket.unshift(rest)
      return
    }
  }

  socket.on('error', ignore)
  socket.on('close', gone)
  socket.on('end', gone)
  socket.on('readable', read)
}

/** The connection is closed at once after an error, which is what counts. */
function ignore(): void {}

function take(socket: Socket): Buffer | null {
  const chunk: unknown = socket.read()
  return Buffer.isBuffer(chunk) ? chunk : null
}

/**
 * From here on the socket says that it comes from the client. A client without an internet address
 * has none here: that of the proxy would be believed for what the proxy is believed.
 */
function namePeer(socket: Socket, client: Client | undefined): void {
  const { address, port, family } = client ?? {}
  for (const [name, value] of Object.entries({
    remoteAddress: address,
    remotePort: port,
    remoteFamily: family,
  })) {
    Object.defineProperty(socket, name, { value, configurable: true, enumerable: true })
  }
}

interface Client {
  readonly address: string
  readonly port: number
  readonly family: 'IPv4' | 'IPv6'
}

/** A header, and how many bytes it takes. */
export interface ProxyHeader {
  readonly length: number
  /** The proxy connects for itself, as for a health check: the peer is the proxy. */
  readonly local: boolean
  /** Undefined: the proxy does not know it, or it came by a unix socket. */
  readonly client: Client | undefined
}

/** Why bytes are no header. */
export type ProxyProblem = 'malformed' | 'too long' | 'not for TCP'

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const FIXED_BYTES = 16

/** Of what follows the fixed part, extensions (TLV) included; HAProxy sends some hundred bytes. */
const MAX_BLOCK_BYTES = 4_096

const LINE_START = Buffer.from('PROXY ', 'latin1')
const MAX_LINE_BYTES = 107

/**
 * Reads the header at the beginning of a connection ("The PROXY protocol", versions 1 and 2, of
 * HAProxy). `incomplete` only while what came may still become one. Never throws.
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader | 'incomplete' | ProxyProblem {
  if (startsAlike(bytes, LINE_START)) return readLine(bytes)
  if (startsAlike(bytes, SIGNATURE)) return readBinary(bytes)
  return 'malformed'
}

function startsAlike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.subarray(0, length).equals(start.subarray(0, length))
}

const PORT = '(0|[1-9]\\d{0,4})'
const LINE = new RegExp(`^PROXY TCP([46]) ([\\w.:]{2,45}) ([\\w.:]{2,45}) ${PORT} ${PORT}$`)

/** Version 1, section 2.1. */
function readLine(bytes: Buffer): ProxyHeader | 'incomplete' | ProxyProblem {
  const end = bytes.subarray(0, MAX_LINE_BYTES).indexOf('\r\n')
  if (end < 0) return bytes.length < MAX_LINE_BYTES ? 'incomplete' : 'too long'
  const line = bytes.toString('latin1', 0, end)
  const length = end + 2
  if (line === 'PROXY UNKNOWN' || line.startsWith('PROXY UNKNOWN ')) {
    return { length, local: false, client: undefined }
  }
  const [, version, source = '', destination = '', from, to] = LINE.exec(line) ?? []
  const isOfVersion = (text: string): boolean =>
    text.includes(':') === (version === '6') && parseAddress(text) !== undefined
  const fits = isOfVersion(source) && isOfVersion(destination) && isPort(from) && isPort(to)
  if (!fits) return 'malformed'
  return { length, local: false, client: clientOf(source, Number(from)) }
}

function isPort(text: string | undefined): boolean {
  return text !== undefined && Number(text) <= 65_535
}

const UNSPECIFIED = 0x00
const TCP_IPV4 = 0x11
const TCP_IPV6 = 0x21
const UNIX_STREAM = 0x31
const DATAGRAMS = [0x12, 0x22, 0x32]

/** How many bytes the addresses of a family take. */
const ADDRESS_BYTES = new Map([
  [UNSPECIFIED, 0],
  [TCP_IPV4, 12],
  [TCP_IPV6, 36],
  [UNIX_STREAM, 216],
])

/** Version 2, section 2.2. */
function readBinary(bytes: Buffer): ProxyHeader | 'incomplete' | ProxyProblem {
  if (bytes.length < FIXED_BYTES) return 'incomplete'
  const command = bytes.readUInt8(12)
  const family = bytes.readUInt8(13)
  const block = bytes.readUInt16BE(14)
  if (command !== 0x20 && command !== 0x21) return 'malformed'
  if (block > MAX_BLOCK_BYTES) return 'too long'
  const local = command === 0x20
  if (!local) {
    if (DATAGRAMS.includes(family)) return 'not for TCP'
    const least = ADDRESS_BYTES.get(family)
    if (least === undefined || block < least) return 'malformed'
  }
  const length = FIXED_BYTES + block
  if (bytes.length < length) return 'incomplete'
  return { length, local, client: local ? undefined : binaryClient(bytes, family) }
}

function binaryClient(bytes: Buffer, family: number): Client | undefined {
  if (family === TCP_IPV4) {
    const text = bytes.subarray(FIXED_BYTES, FIXED_BYTES + 4).join('.')
    return clientOf(text, bytes.readUInt16BE(FIXED_BYTES + 8))
  }
  if (family !== TCP_IPV6) return undefined
  const groups: string[] = []
  for (let at = 0; at < 16; at += 2) groups.push(bytes.readUInt16BE(FIXED_BYTES + at).toString(16))
  return clientOf(groups.join(':'), bytes.readUInt16BE(FIXED_BYTES + 32))
}

function clientOf(text: string, port: number): Client | undefined {
  const address = parseClientAddress(text)
  if (address === undefined) return undefined
  return {
    address: formatAddress(address),
    port,
    family: address.family === 4 ? 'IPv4' : 'IPv6',
  }
}
