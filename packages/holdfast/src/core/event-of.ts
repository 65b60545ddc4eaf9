import type { EVENTS } from './event-catalogue.ts'
import type { OptionalField, Presence, VaryingField } from './event-description.ts'
import type { EventType, SessionEvent } from './events.ts'

type Catalogue = typeof EVENTS

/** The reasons that a type has; any text where others choose them, and null where it has none. */
export type ReasonOf<T extends EventType> = T extends EventType
  ? NamedReasonOf<T> | OtherReasonOf<T> | NoReasonOf<T>
  : never

/** The reasons that the catalogue names. */
export type NamedReasonOf<T extends EventType> = T extends EventType
  ? Extract<keyof Catalogue[T]['reasons'], string>
  : never

type OtherReasonOf<T extends EventType> = Catalogue[T] extends { readonly otherReasons: string }
  ? string
  : never

type NoReasonOf<T extends EventType> = Catalogue[T]['has']['reason'] extends 'always' ? never : null

/** An event of a type, with what the catalogue says of its fields. Without one, of all types. */
export type EventOf<T extends EventType = EventType> = T extends EventType
  ? Omit<SessionEvent, 'type' | VaryingField> & {
      readonly type: T
      readonly reason: ReasonOf<T>
    } & {
      readonly [F in Exclude<VaryingField, 'reason' | OptionalField>]: Given<
        SessionEvent[F],
        Catalogue[T]['has'][F]
      >
    } & OptionalOf<T, 'authentication'> &
      OptionalOf<T, 'more'> &
      OptionalOf<T, 'policy'>
  : never

type Given<Value, P extends Presence> = {
  readonly always: NonNullable<Value>
  readonly sometimes: Value
  readonly never: null
}[P]

type OptionalOf<T extends EventType, F extends OptionalField> = {
  readonly always: Required<Pick<SessionEvent, F>>
  readonly sometimes: Pick<SessionEvent, F>
  readonly never: { readonly [Name in F]?: never }
}[Catalogue[T]['has'][F]]
