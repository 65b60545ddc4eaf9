import type { AddressProblem } from './store-address.ts'

/** Where a PostgreSQL is, and who logs in. */
export interface DatabaseAddress {
  /** A name or address, or the folder of a socket. */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password?: string
  readonly tls: boolean
}

const PORT = 5_432
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/
const FORM = 'Write postgres://USER:PASSWORD@HOST:PORT/DATABASE.'

/**
 * Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. Another machine is reached over TLS, unless
 * `?sslmode=disable` says otherwise; `?host=/FOLDER` is a socket of `localhost`. What is wrong is
 * told without any part that may be a secret.
 */
export function parseDatabaseAddress(text: string): DatabaseAddress | AddressProblem {
  if (!/^postgres(?:ql)?:\/\//.test(text)) {
    return { problem: 'is no address of a PostgreSQL', fix: FORM }
  }
  if (!URL.canParse(text)) {
    return {
      problem: 'is an address that cannot be read',
      fix: `${FORM} In user and password write @ as %40, / as %2F, ? as %3F, # as %23, % as %25.`,
    }
  }
  const url = new URL(text)
  const options = new URLSearchParams(url.search)
  const unknown = [...options.keys()].some((name) => name !== 'sslmode' && name !== 'host')
  if (unknown || url.hash !== '') {
    return {
      problem: 'has an option other than sslmode and host',
      fix: `Remove it. ${FORM}`,
    }
  }
  const socket = options.get('host')
  if (socket !== null && (!socket.startsWith('/') || url.hostname !== 'localhost')) {
    return {
      problem: 'names no folder of a socket as host',
      fix: 'Write postgres://USER@localhost/DATABASE?host=/run/postgresql.',
    }
  }
  const host = socket ?? url.hostname.replace(/^\[(.*)\]$/, '$1')
  const [user, password, database] = decoded(url.username, url.password, url.pathname.slice(1))
  if (!host || !user || !database || database.includes('/')) {
    return { problem: 'does not name host, user and database', fix: FORM }
  }
  const mode = options.get('sslmode')
  if (mode !== null && mode !== 'disable' && mode !== 'verify-full') {
    return {
      problem: 'has an sslmode that does not check who answers',
      fix: 'Write sslmode=verify-full, or sslmode=disable on a network that nobody else is on.',
    }
  }
  const isHere = socket !== null || LOOPBACK.test(host)
  return {
    ...{ host, user, database, port: url.port === '' ? PORT : Number(url.port) },
    ...(password ? { password } : {}),
    tls: mode === null ? !isHere : mode === 'verify-full' && socket === null,
  }
}

function decoded(...parts: readonly string[]): readonly string[] {
  try {
    return parts.map(decodeURIComponent)
  } catch {
    return [] // a % that begins no encoding: nothing is named
  }
}
