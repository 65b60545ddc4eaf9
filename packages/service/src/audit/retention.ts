import { type Kind, meaningOfType } from './formats/meaning.ts'

/** Classes of events that are kept for times of their own. */
export const CLASSES = ['login', 'session', 'detection', 'account'] as const

export type EventClass = (typeof CLASSES)[number]

/** How long each class is kept, in ms; or instants, before which it is kept no more. */
export type ByClass = Readonly<Record<EventClass, number>>

const CLASS_OF: Readonly<Record<Kind, EventClass>> = {
  login: 'login',
  logout: 'login',
  session: 'session',
  detection: 'detection',
  cleared: 'detection',
  account: 'account',
  system: 'account',
}

/** A finding is of the class `detection`. */
export function classOf(type: string): EventClass {
  return CLASS_OF[meaningOfType(type).kind]
}

export function byClass(of: (name: EventClass) => number): ByClass {
  return Object.fromEntries(CLASSES.map((name) => [name, of(name)])) as unknown as ByClass
}

/** The instant before which nothing is kept at all. */
export function earliest(before: ByClass): number {
  return Math.min(...Object.values(before))
}
