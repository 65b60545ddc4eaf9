import { expect, test } from 'vitest'
import { sealingCodec, sessionIdentity } from '../../src/codecs/codec.ts'
import { rotateKeyring } from '../../src/codecs/keyring.ts'
import type { SessionId } from '../../src/core/ids.ts'
import type { Presented, Sessions } from '../../src/core/sessions.ts'
import type { Found, Store } from '../../src/core/store.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import { resealAll } from '../../src/maintenance/reseal.ts'
import { describeOnEveryStore } from '../support/every-store.ts'
import { type Harness, harness, held, MINUTE } from '../support/harness.ts'
import { abroad, atHome, lookup, onTheTrain } from '../support/people.ts'
import { until } from '../support/until.ts'

/**
 * Somebody who can write to the store changes the application's data of a session, for example its
 * roles. He has no key.
 */
interface Tampering extends Harness {
  /** An engine that reads what he has written. */
  readonly fooled: Sessions
  readonly id: SessionId
  readonly token: string
  readonly refreshToken: string
  tamper(change: Change | undefined): void
  /** What the store keeps of the session, untampered. */
  kept(): Promise<unknown>
}

type Sealed = NonNullable<Found['attributes']>
type Change = (sealed: Sealed) => Sealed | undefined

async function tampering(
  open: Parameters<typeof harness>[0],
  { localCopies = false } = {},
): Promise<Tampering> {
  const h = await harness(open)
  const { token, refreshToken } = await h.loginForRefresh({ attributes: { roles: ['buyer'] } })
  const id = idOf(token)
  let change: Change | undefined
  const through: Store = {
    ...h.store,
    entries: {
      ...h.store.entries,
      async read(asked) {
        const found = await h.store.entries.read(asked)
        if (found?.attributes === undefined || change === undefined) return found
        return { ...found, attributes: change(found.attributes) }
      },
    },
  }
  const fooled = createSessions({
    store: through,
    host: h.host,
    keyring: h.keyring,
    lookup,
    localCopies,
    onEvent: (event) => h.events.push(event),
  })
  return {
    ...h,
    fooled,
    id,
    token,
    refreshToken,
    tamper(next) {
      change = next
    },
    async kept() {
      const found = await h.store.entries.read(id)
      return found && { version: found.version, lastActivity: found.lastActivity }
    },
  }
}

function idOf(token: string): SessionId {
  return token.split('.')[1] ?? ''
}

function flipped(at: number): Change {
  return ({ version, sealed }) => {
    const changed = Uint8Array.from(sealed)
    const index = at < 0 ? changed.length + at : at
    changed[index] = (changed[index] ?? 0) ^ 1
    return { version, sealed: changed }
  }
}

const DAMAGE: readonly (readonly [string, Change])[] = [
  ['another format', flipped(0)],
  ['another nonce', flipped(10)],
  ['a changed bit', flipped(20)],
  ['another authentication tag', flipped(-1)],
  ['a lost end', ({ version, sealed }) => ({ version, sealed: sealed.subarray(0, -1) })],
  ['nothing', ({ version }) => ({ version, sealed: new Uint8Array() })],
  ['no attributes at all', () => undefined],
  ['the next version', ({ version, sealed }) => ({ version: version + 1, sealed })],
]

const invalid = { code: 'record_invalid' }

describeOnEveryStore('attributes that were tampered with are refused', (open) => {
  test('before anything is allowed, whether they were opened before or not', async () => {
    const h = await tampering(open)
    const show = (changes: Partial<Presented> = {}) =>
      h.fooled.verify({ token: h.token, request: atHome(), ...changes })
    for (const opened of [false, true]) {
      if (opened)
        expect(await show()).toMatchObject({ session: { attributes: { roles: ['buyer'] } } })
      for (const [, damage] of DAMAGE) {
        h.tamper(damage)
        await expect(show()).rejects.toMatchObject(invalid)
      }
      h.tamper(undefined)
    }

    expect(await show()).toMatchObject({ ok: true, session: { attributes: { roles: ['buyer'] } } })
  })

  test('those of another session, and those of before', async () => {
    const h = await tampering(open)
    const admin = await h.login({ subject: 'grace', attributes: { roles: ['admin'] } })
    const foreign = (await h.store.entries.read(idOf(admin)))?.attributes
    const before = (await h.store.entries.read(h.id))?.attributes
    await h.sessions.patchAttributes(h.id, { roles: [] }, 1)
    const show = () => h.fooled.verify({ token: h.token, request: atHome() })
    if (foreign === undefined || before === undefined) throw new Error('no attributes')

    h.tamper(({ version }) => ({ ...foreign, version }))
    await expect(show()).rejects.toMatchObject(invalid)
    for (const version of [1, 2]) {
      h.tamper(() => ({ ...before, version }))
      await expect(show()).rejects.toMatchObject(invalid)
    }
    h.tamper(undefined)

    expect(await show()).toMatchObject({ session: { attributes: { roles: [] } } })
  })

  test('and those of before are not made those of now by sealing all anew', async () => {
    const h = await harness(open)
    const token = await h.login({ attributes: { roles: ['admin'] } })
    const id = idOf(token)
    const before = (await h.store.entries.read(id))?.attributes
    await h.sessions.patchAttributes(id, { roles: [] }, 1)
    const found = await h.store.entries.read(id)
    if (before === undefined || found === undefined) throw new Error('no attributes')
    const entry = { ...found, version: found.version + 1 }
    const codec = sealingCodec(h.keyring, h.host)
    const sealed = codec.seal(
      sessionIdentity(entry),
      codec.open(sessionIdentity(found), found.sealed),
    )
    await h.store.entries.write({ ...entry, sealed }, { attributes: before })

    const keyring = rotateKeyring(h.keyring, h.host)
    const { unreadable } = await resealAll({ store: h.store, keyring })

    expect(unreadable).toBe(1)
    const again = createSessions({ store: h.store, host: h.host, keyring, lookup })
    await expect(again.verify({ token, request: atHome() })).rejects.toMatchObject(invalid)
  })

  test('and nothing is written for a request that would have passed', async () => {
    const h = await tampering(open)
    // What each of them would write: a touch, a rotation, a context, a new refresh token.
    const cases: readonly (() => Promise<unknown>)[] = [
      () => h.fooled.verify({ token: h.token, request: atHome() }),
      () => h.fooled.verify({ token: h.token, request: atHome(), deliverable: true }),
      () => h.fooled.verify({ token: h.token, request: onTheTrain() }),
      () => h.fooled.refresh({ token: h.refreshToken, request: atHome({ method: 'POST' }) }),
    ]
    const before = await h.kept()
    const told = h.events.length

    h.tamper(flipped(20))
    for (const call of cases) {
      h.host.advance(3 * MINUTE)
      await expect(call()).rejects.toMatchObject(invalid)
      expect(await h.kept()).toEqual(before)
    }

    expect(h.events).toHaveLength(told)
    h.tamper(undefined)
    const again = await h.fooled.verify({ token: h.token, request: atHome(), deliverable: true })
    expect(held(h.token, again)).not.toBe(h.token)
  })

  test('and a step-up is not used up by them', async () => {
    const h = await tampering(open)
    await h.show(h.token, abroad(), { deliverable: false })
    const begun = await h.sessions.beginStepUp({ token: h.token, request: abroad() })
    if (!begun.ok) throw new Error(begun.code)
    const complete = () =>
      h.fooled.completeStepUp({
        challenge: begun.challenge,
        token: h.token,
        request: abroad(),
        subject: 'ada',
        amr: ['otp'],
      })

    const before = await h.kept()

    h.tamper(flipped(20))
    await expect(complete()).rejects.toMatchObject(invalid)

    expect(await h.kept()).toEqual(before)
    h.tamper(undefined)
    expect(await complete()).toMatchObject({ ok: true })
  })

  test('and they keep nobody from refusing or ending the session', async () => {
    const h = await tampering(open)
    h.tamper(flipped(20))

    expect(await h.fooled.verify({ token: h.token, request: abroad() })).toMatchObject({
      code: 'step_up_required',
    })
    await h.fooled.logout(h.token)

    h.tamper(undefined)
    expect(await h.show(h.token)).toMatchObject({ code: 'session_unknown' })
  })
})

describeOnEveryStore('a local copy of attributes that were tampered with', (open) => {
  test('lets nobody pass', async () => {
    const h = await tampering(open, { localCopies: true })
    const show = () => h.fooled.verify({ token: h.token, request: atHome() })
    const { now } = h.fooled.verify as Sessions['verify'] & {
      now?: (presented: Presented) => unknown
    }
    await until('a copy answers', async () => {
      await show()
      return now?.({ token: h.token, request: atHome() }) !== undefined
    })

    h.tamper(flipped(20))
    h.host.advance(6_000)
    await until('the tampered session is copied', async () => {
      await expect(show()).rejects.toMatchObject(invalid)
      try {
        return now?.({ token: h.token, request: atHome() }) !== undefined
      } catch (error) {
        expect(error).toMatchObject(invalid)
        return true
      }
    })

    await expect(show()).rejects.toMatchObject(invalid)
  })
})
