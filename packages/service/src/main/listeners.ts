import { SessionError } from 'holdfast'
import { formatListen } from '../config/print.ts'
import { type Config, variableOf } from '../config/schema.ts'
import type { Listen } from '../config/values.ts'
import type { Listener } from './listener.ts'

const SETTINGS = {
  gate: 'gateListen',
  grpc: 'grpcListen',
  management: 'managementListen',
  main: 'listen',
} as const

/**
 * The listeners of a service: `gate` and `grpc` only where the configuration wants them,
 * `management` where no other process has it.
 */
export interface Listeners {
  readonly gate?: Listener
  readonly grpc?: Listener
  readonly management?: Listener
  readonly main: Listener
}

type Open = (where: Listen) => Promise<Listener>

/** How each is opened; none is asked for that is off. */
export type Openers = Readonly<Record<'gate' | 'grpc' | 'main', Open>> & {
  readonly management?: Open | undefined
}

/**
 * Opens all listeners that are wanted, the main one last. Throws `config_invalid` with the setting
 * of the one that cannot listen, and leaves none open then.
 */
export async function openListeners(config: Config, open: Openers): Promise<Listeners> {
  const opened: Listener[] = []

  async function openOne(name: keyof Listeners, where: Listen, by: Open): Promise<Listener> {
    const listener = await by(where).catch((cause: unknown) => {
      throw cannotListen(SETTINGS[name], config, cause)
    })
    opened.push(listener)
    return listener
  }

  const { gateListen, grpcListen, managementListen, listen } = config
  try {
    const gate = gateListen === 'off' ? {} : { gate: await openOne('gate', gateListen, open.gate) }
    const grpc = grpcListen === 'off' ? {} : { grpc: await openOne('grpc', grpcListen, open.grpc) }
    const management =
      open.management === undefined
        ? {}
        : { management: await openOne('management', managementListen, open.management) }
    const main = await openOne('main', listen, open.main)
    return { ...gate, ...grpc, ...management, main }
  } catch (error) {
    await Promise.all(opened.map((listener) => listener.close(0)))
    throw error
  }
}

/** Names the setting of an address that cannot be listened on. */
export function cannotListen(
  setting: (typeof SETTINGS)[keyof Listeners],
  config: Config,
  cause: unknown,
): SessionError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error'
  const remedy = `Free the address, or set ${variableOf(setting)} to another.`
  return new SessionError(
    'config_invalid',
    `Cannot listen on ${formatListen(config[setting])} (${code}). ${remedy}`,
    { cause },
  )
}
