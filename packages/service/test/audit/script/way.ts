import type { RequestFacts, Sessions } from 'holdfast'

/** One way to use Holdfast: as a library, as a service, or as a service behind a gate. */
export interface Way {
  /** Everything but presentations, and what operators do. */
  readonly sessions: Sessions
  /** Presents a token. */
  show(token: string, request: RequestFacts, asks?: Asks): Promise<Shown>
  advance(ms: number): void
  readonly operator: {
    look(session: string): Promise<void>
    list(subject: string): Promise<void>
    end(session: string): Promise<void>
    endAll(subject: string): Promise<void>
    patch(session: string): Promise<void>
  }
  /** Puts a new key in front of the ring, and waits until it is taken up. */
  rotateKeys(): Promise<void>
  /** Takes the store away, until it is given back. */
  outage(work: () => Promise<void>): Promise<void>
  /** A page of another site sends a form with the cookie of a session. Gates alone see that. */
  crossSite?(token: string): Promise<void>
  /** Every event that was told so far, in the order of their telling. */
  heard(): readonly Heard[]
  /** All that is written where people and programs read it: logs, outputs, files, as text. */
  written(): string
}

export interface Asks {
  readonly acr?: string
  readonly sensitivity?: 'sensitive'
}

export interface Shown {
  readonly code: string
  /** What the client holds from then on. */
  readonly token: string
}

export interface Heard {
  readonly id: string
  readonly type: string
  readonly reason: string | null
  readonly subject: string | null
}
