import { newKeyring } from '../../codecs/keyring.ts'
import { SessionError } from '../../core/errors.ts'
import type { Sessions } from '../../core/sessions.ts'
import { createSessions } from '../../engine/create-sessions.ts'
import { memoryStore } from '../../stores/memory.ts'
import { accessTokens } from '../../tokens/access-tokens.ts'
import { newSigningKeys } from '../../tokens/signing-keys.ts'
import { fakeHost } from '../fake-host.ts'

/** The sessions that an adapter is tested with. Access tokens are for `api` and `orders`. */
export interface AdapterHarness {
  readonly sessions: Sessions
  /** The engine's time: UTC, ms. */
  now(): number
  /** Moves the engine's clock. */
  advance(ms: number): void
  /** Makes the store unreachable until the returned function is called. */
  breakStore(): () => void
  close(): Promise<void>
}

/** The engine in this process over a memory store. Its clock moves with `advance` alone. */
export async function engineHarness(): Promise<AdapterHarness> {
  const host = fakeHost()
  let broken = false
  const isBroken = (): boolean => broken
  const store = memoryStore({ now: host.now })
  const sessions = createSessions({
    store: {
      entries: breakable(store.entries, isBroken),
      subjects: breakable(store.subjects, isBroken),
      replays: breakable(store.replays, isBroken),
      feed: store.feed,
      close: () => store.close(),
    },
    keyring: newKeyring(host),
    acrOrder: ['aal1', 'aal2'],
    tokens: accessTokens({
      keys: newSigningKeys({ host }),
      issuer: 'https://auth.example',
      audiences: { api: {}, orders: {} },
    }),
    host,
  })

  return {
    sessions,
    now: host.now,
    advance: host.advance,
    breakStore() {
      broken = true
      return () => {
        broken = false
      }
    },
    close: () => store.close(),
  }
}

function breakable<Part extends object>(part: Part, isBroken: () => boolean): Part {
  return new Proxy(part, {
    get(target, name, receiver) {
      const method: unknown = Reflect.get(target, name, receiver)
      if (typeof method !== 'function') return method
      return (...args: unknown[]) =>
        isBroken()
          ? Promise.reject(new SessionError('store_unavailable', 'The store does not answer.'))
          : Reflect.apply(method, target, args)
    },
  })
}
