import { expect, test } from 'vitest'
import { sealingCodec, sessionIdentity } from '../../src/codecs/codec.ts'
import type { Entry } from '../../src/core/store.ts'
import { describeOnEveryStore } from '../support/every-store.ts'
import { codeOf, harness, MINUTE } from '../support/harness.ts'
import { heldWrites } from '../support/held-writes.ts'
import { abroad } from '../support/people.ts'

describeOnEveryStore('resurrection', (open) => {
  test('revoking while a request is in flight does not resurrect the session', async () => {
    const gate = heldWrites(open)
    const { sessions, host, login, show, store } = await harness(gate.open)
    const token = await login()
    const id = token.split('.')[1] ?? ''
    host.advance(6 * MINUTE)

    gate.hold()
    const rotating = show(token)
    await gate.arrived()
    await sessions.revoke(id, { reason: 'admin' })
    gate.release()

    expect(codeOf(await rotating)).toBe('session_revoked')
    expect(codeOf(await show(token))).toBe('session_unknown')
    expect(await store.entries.read(id)).toBeUndefined()
  })

  test('"log out everywhere" beats a write that was already on its way', async () => {
    const gate = heldWrites(open)
    const { sessions, host, login, show } = await harness(gate.open)
    const token = await login()
    host.advance(6 * MINUTE)

    gate.hold()
    const rotating = show(token)
    await gate.arrived()
    await sessions.revokeSubject({ subject: 'ada' }, { reason: 'stolen_laptop' })
    gate.release()

    expect(codeOf(await rotating)).toBe('session_revoked')
    expect(codeOf(await show(token))).toBe('session_unknown')
  })

  test('a login that began before "log out everywhere" creates no live session', async () => {
    const gate = heldWrites(open)
    const { sessions, host, login, events } = await harness(gate.open)
    await login()
    host.advance(MINUTE)

    gate.hold()
    const thief = sessions.create({ subject: 'ada', request: abroad() })
    await gate.arrived()
    await sessions.report({ kind: 'credential_changed', subject: 'ada' })
    gate.release()

    expect(await thief).toEqual({ ok: false, code: 'login_superseded' })
    expect((await sessions.list({ subject: 'ada' })).items).toEqual([])
    expect(events.filter(({ type }) => type === 'session-established')).toHaveLength(1)
  })

  test('touches, attributes and re-sent records do not bring a dead session back', async () => {
    const { sessions, host, keyring, login, show, store } = await harness(open)
    const token = await login()
    const id = token.split('.')[1] ?? ''
    const before = await store.entries.read(id)
    if (before === undefined) throw new Error('nothing to replay')

    await sessions.revoke(id, { reason: 'admin' })
    await store.entries.touch([{ id, at: host.now() }])
    const codec = sealingCodec(keyring, host)
    const sealed = codec.seal(sessionIdentity({ ...before, version: 1 }), Buffer.from('anything'))
    const replayed: Entry = { ...before, version: 1, sealed }

    const attributes = { version: 1, sealed }
    expect(await store.entries.write(replayed, { attributes })).toBe('gone')
    expect(await store.entries.write(replayed)).toBe('gone')
    expect(await store.entries.write({ ...before, version: before.version + 1 })).toBe('gone')
    expect(codeOf(await show(token))).toBe('session_unknown')
  })

  test('"log out everywhere but here" twice keeps only what both kept', async () => {
    const { sessions, host, login, show } = await harness(open)
    const first = await login()
    const second = await login()
    const idOf = (token: string): string => token.split('.')[1] ?? ''

    host.advance(MINUTE)
    await sessions.revokeSubject({ subject: 'ada' }, { reason: 'user', except: idOf(first) })
    expect([codeOf(await show(first)), codeOf(await show(second))]).toEqual([
      'ok',
      'session_unknown',
    ])
    host.advance(MINUTE)
    await sessions.revokeSubject({ subject: 'ada' }, { reason: 'user', except: idOf(second) })
    expect([codeOf(await show(first)), codeOf(await show(second))]).toEqual([
      'session_unknown',
      'session_unknown',
    ])
  })
})
