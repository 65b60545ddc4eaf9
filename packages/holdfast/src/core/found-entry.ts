import type { SessionId } from './ids.ts'
import type { Attached, Entry, Found } from './store.ts'

/** What is stored in clear beside a record. */
type Terms = Omit<Entry, 'id' | 'sealed'>
type Bytes = Pick<Found, 'sealed' | 'attributes'>

/** An entry as it was found. A verification makes one: why that is a class is decision 63. */
export class FoundEntry implements Found {
  readonly id: SessionId
  readonly version: number
  readonly generation: number
  readonly createdAt: number
  readonly deadline: number
  readonly idleMs: number
  readonly sealed: Uint8Array
  readonly lastActivity: number | undefined
  readonly attributes: Attached | undefined

  constructor(
    id: SessionId,
    terms: Terms,
    { sealed, attributes }: Bytes,
    lastActivity: number | undefined,
  ) {
    this.id = id
    this.version = terms.version
    this.generation = terms.generation
    this.createdAt = terms.createdAt
    this.deadline = terms.deadline
    this.idleMs = terms.idleMs
    this.sealed = sealed
    this.lastActivity = lastActivity
    this.attributes = attributes
  }
}
