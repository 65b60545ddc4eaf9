import type { Context } from './context.ts'
import type { SessionId } from './ids.ts'
import type { Device, Network } from './request.ts'
import type { KeptCall } from './sensitive-calls.ts'

/** A session as the engine knows it: the opened record. Stored sealed, never seen by a store. */
export interface SessionState {
  readonly id: SessionId
  readonly subject: string
  readonly tenant: string
  /** `default`, `remember` or the application's own: names the lifetimes. */
  readonly class: string
  /** The subject's generation when the session began. */
  readonly generation: number
  readonly createdAt: number
  /** Absolute: no activity moves it (ASVS 7.3.2). */
  readonly deadline: number
  /** Longest silence, ms (ASVS 7.3.1). */
  readonly idleMs: number
  /** Second factors that the application says this subject has. Empty: no step-up is possible. */
  readonly factors: readonly string[]
  /** Names the sealed attributes that belong to this version. Null: there are none. */
  readonly attributesDigest: string | null
  /** Where the login came from. */
  readonly origin: { readonly network: Network; readonly device: Device }
  /** The session's one live family of secrets. Every older family is dead. */
  readonly family: SessionFamily
  /** The secrets of its refresh tokens; null where the login asked for none. */
  readonly refresh: TokenFamily | null
  readonly contexts: readonly Context[]
  /** The session's last presentation that was weighed. */
  readonly last: {
    readonly context: string
    readonly network: Network
    readonly device: Device
    readonly at: number
  }
  /** Two holders of one secret are proven; until one of them passes a step-up. */
  readonly fork: { readonly at: number } | null
  /** When step-up prompts were begun from unconfirmed contexts; those of the last hour. */
  readonly prompts: readonly number[]
  /**
   * Failed step-ups by the context that was asked. They are kept apart from the contexts, which
   * others can drive out.
   */
  readonly failures: readonly FailedStepUps[]
  /** The newest returns to a client that the session had left moments before. */
  readonly switchBacks: readonly SwitchBack[]
  /** The last completed step-up: a lost response may be asked for again for 60 s. */
  readonly stepUp: CompletedStepUp | null
  /** The newest calls of sensitive routes that were served, oldest first. Absent: none. */
  readonly calls?: readonly KeptCall[]
}

/** What a verification of an unchanged presentation asks of a session: see {@link headOf}. */
export interface SessionHead
  extends Pick<
    SessionState,
    | 'id'
    | 'subject'
    | 'tenant'
    | 'class'
    | 'generation'
    | 'createdAt'
    | 'deadline'
    | 'idleMs'
    | 'factors'
    | 'attributesDigest'
    | 'family'
    | 'fork'
    | 'failures'
  > {
  readonly last: {
    readonly context: string
    readonly address: string | null
    readonly device: Device
    readonly at: number
  }
  /** What is kept of the last context. Undefined: others have driven it out. */
  readonly standing:
    | Pick<Context, 'state' | 'lastSeen' | 'evidence' | 'evidenceAt' | 'because'>
    | undefined
}

export function headOf(state: SessionState): SessionHead {
  const { id, subject, tenant, generation, createdAt, deadline, idleMs, factors } = state
  const { attributesDigest, family, fork, failures, contexts, last } = state
  const { context, network, device, at } = last
  return {
    ...{ id, subject, tenant, class: state.class, generation, createdAt, deadline, idleMs },
    ...{ factors, attributesDigest, family, fork, failures },
    last: { context, address: network.address, device, at },
    standing: contexts.find(({ key }) => key === context),
  }
}

/** Wrong answers from one context since it last passed a step-up. */
export interface FailedStepUps {
  readonly context: string
  readonly count: number
}

/** The session came back `to` a context `from` another client's. */
export interface SwitchBack {
  readonly at: number
  readonly from: string
  readonly to: string
}

/**
 * The secrets that follow one another by rotation alone ("token family", RFC 9700). Its size does
 * not grow: successors that went out are not kept, because a token proves its own descent.
 */
export interface TokenFamily {
  /** 64 random bits as 16 hex digits. */
  readonly id: string
  /** The secret of the newest generation that counts. */
  readonly current: Secret
  /** When its generation began: the next one begins a settling time later at the earliest. */
  readonly beganAt: number
  /** When a secret of its generation was first shown. */
  readonly shownAt: number
  /**
   * The one before: its link's digest, and until when a request with it may still arrive. The
   * digest stays as long as the generation: siblings of `current` name it as their parent.
   */
  readonly previous: { readonly digest: string; readonly until: number } | null
  /** A successor without links, which an older version sent and nobody has shown yet. */
  readonly outstanding: { readonly digest: string; readonly mintedAt: number } | null
  /** The first contexts that used `current`, two at most. */
  readonly contexts: readonly string[]
}

/** The family of secrets that present a session. What a login or step-up proved belongs to it. */
export interface SessionFamily extends TokenFamily {
  readonly acr: string | null
  readonly amr: readonly string[]
  readonly authenticatedAt: number
  /**
   * The context of the login or step-up that started the family. Elsewhere its proof counts only in
   * contexts that are confirmed.
   */
  readonly provedIn: string
}

/** One generation of a rotating secret. */
export interface Secret {
  readonly generation: number
  /** First 16 bytes of SHA-256 of the secret's link, as hex digits. */
  readonly digest: string
  readonly mintedAt: number
  /** When it was last noted as shown, which is not at every use. */
  readonly notedAt: number
}

/** What is kept of the last step-up, so that its answer can be repeated. */
export interface CompletedStepUp {
  readonly nonce: string
  readonly at: number
  /** Digest of the secret that was shown with the proof. */
  readonly digest: string
  readonly context: string
  /**
   * Only where it ended a fork: when one holder was certain last, at the login or step-up before.
   */
  readonly forkSince?: number
}

/** What an application sees of a session. */
export interface SessionView {
  readonly id: SessionId
  readonly subject: string
  readonly tenant: string
  readonly class: string
  readonly acr: string | null
  readonly amr: readonly string[]
  readonly authenticatedAt: number
  readonly createdAt: number
  /** Absolute deadline, ms since the epoch. */
  readonly expiresAt: number
  /** Idle timeout, ms. */
  readonly idleMs: number
  /** Frozen in process, because requests share it. Change it with `patchAttributes`. */
  readonly attributes: Attributes
  readonly attributesVersion: number
  /** Put it into forms: binds them to this session (NIST SP 800-63B-4, 5.1). */
  readonly formToken: string
}

/**
 * What people who look after sessions see: where it is used and what speaks for and against it. Not
 * the form token: that is a secret of the session's own pages.
 */
export interface SessionDetail extends Omit<SessionView, 'formToken'> {
  readonly lastActivity: number
  readonly origin: { readonly network: Network; readonly device: Device }
  readonly contexts: readonly (Omit<Context, 'rereads' | 'newAs' | 'sessionOnly'> & {
    readonly evidenceNow: number
    /** Step-ups that failed from here since the last one that passed. */
    readonly failures: number
  })[]
  readonly forked: boolean
}

/** Anything that JSON can say. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }

/** The application's own JSON object, kept with the session, at most 8 KiB. */
export type Attributes = { readonly [key: string]: JsonValue }
