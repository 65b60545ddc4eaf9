import type { Lifetime } from 'holdfast'
import type { Config } from './schema.ts'

export interface Lifetimes {
  readonly lifetimes: Readonly<Record<string, Lifetime>>
  readonly tenants: Readonly<Record<string, Readonly<Record<string, Lifetime>>>>
}

/**
 * Lifetimes of every class and tenant; what a class leaves out is as in `default`, what a tenant
 * leaves out as in the class.
 */
export function lifetimesOf(config: Config): Lifetimes {
  const standard: Lifetime = {
    absoluteMs: config.absoluteTimeout,
    idleMs: config.idleTimeout,
    persistent: false,
  }
  const lifetimes: Record<string, Lifetime> = {}
  for (const [name, life] of Object.entries({ default: {}, ...config.classes })) {
    lifetimes[name] = filled(life, standard)
  }
  const tenants: Record<string, Record<string, Lifetime>> = {}
  for (const [tenant, classes] of Object.entries(config.tenants)) {
    const own: Record<string, Lifetime> = {}
    for (const [name, life] of Object.entries(classes)) {
      own[name] = filled(life, lifetimes[name] ?? standard)
    }
    tenants[tenant] = own
  }
  return { lifetimes, tenants }
}

function filled(life: Config['classes'][string], from: Lifetime): Lifetime {
  return {
    absoluteMs: life.absolute ?? from.absoluteMs,
    idleMs: life.idle ?? from.idleMs,
    persistent: life.persistent ?? from.persistent,
  }
}
