import { describe, expect, test } from 'vitest'
import { rotateKeyring } from '../../src/codecs/keyring.ts'
import type { Evidence } from '../../src/core/evidence.ts'
import type { SubjectRef } from '../../src/core/sessions.ts'
import type { Signal } from '../../src/core/signal.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import { eventLog } from '../../src/maintenance/event-log.ts'
import { resealAll } from '../../src/maintenance/reseal.ts'
import { lenient, strict } from '../../src/policies/index.ts'
import { codeOf, HOUR, harness, held, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import { abroad, atHome, lookup, onTheTrain } from '../support/people.ts'

const DAY = 24 * HOUR

describe('an unchanged presentation', () => {
  test('reads once, writes nothing, and touches once per interval', async () => {
    const counts = { read: 0, write: 0, touch: 0, subjects: 0 }
    const { host, login, show } = await harness(async (now) => {
      const store = await inMemory(now)
      return {
        ...store,
        subjects: {
          ...store.subjects,
          read: (key) => {
            counts.subjects++
            return store.subjects.read(key)
          },
        },
        entries: {
          ...store.entries,
          read: (id) => {
            counts.read++
            return store.entries.read(id)
          },
          write: (entry, also) => {
            counts.write++
            return store.entries.write(entry, also)
          },
          touch: (seen) => {
            counts.touch++
            return store.entries.touch(seen)
          },
        },
      }
    })
    const token = await login()
    Object.assign(counts, { read: 0, write: 0, touch: 0, subjects: 0 })

    for (let i = 0; i < 100; i++) {
      host.advance(2 * SECOND)
      expect(codeOf(await show(token))).toBe('ok')
    }

    expect(counts).toEqual({ read: 100, write: 0, touch: 1, subjects: 0 })
  })
})

describe('the owner', () => {
  test('is not disturbed by a train ride, a browser update or a second screen', async () => {
    const { host, login, show } = await harness(inMemory)
    const token = await login()
    const updated = atHome({
      headers: {
        'user-agent': String(atHome().headers['user-agent']).replace('156', '157'),
        'accept-language': 'nb-NO,nb;q=0.9,en;q=0.8',
      },
    })
    const days = [
      atHome(),
      onTheTrain(),
      atHome({ ip: '192.0.2.77' }),
      updated,
      { ...updated, client: { screen: '1920x1080x1', timezone: 'Europe/Oslo' } },
      onTheTrain(),
    ]

    for (const request of days) {
      host.advance(20 * MINUTE)
      expect(codeOf(await show(token, request, { deliverable: false }))).toBe('ok')
    }
  })

  test('three visits over a day, from home each time, confirm a place', async () => {
    const classes = { default: { absolute: 7 * DAY, idle: DAY, persistent: false } }
    const { host, login, show } = await harness(inMemory, { classes })
    let token = await login()
    const sensitive = { sensitivity: 'sensitive', deliverable: false } as const

    for (let visit = 0; visit < 3; visit++) {
      host.advance(9 * HOUR)
      token = held(token, await show(token, onTheTrain()))
      expect(codeOf(await show(token, onTheTrain(), sensitive))).toBe('step_up_required')
      host.advance(HOUR)
      token = held(token, await show(token, atHome()))
    }
    host.advance(9 * HOUR)
    token = held(token, await show(token, onTheTrain()))
    expect(codeOf(await show(token, onTheTrain(), sensitive))).toBe('ok')
  })

  test('visits with a secret that is never replaced earn no trust', async () => {
    const classes = { default: { absolute: 7 * DAY, idle: DAY, persistent: false } }
    const { host, login, show } = await harness(inMemory, { classes })
    const token = await login()
    const bearer = { deliverable: false }
    const sensitive = { sensitivity: 'sensitive', deliverable: false } as const

    for (let visit = 0; visit < 5; visit++) {
      host.advance(9 * HOUR)
      expect(codeOf(await show(token, onTheTrain(), bearer))).toBe('ok')
      host.advance(HOUR)
      expect(codeOf(await show(token, atHome(), bearer))).toBe('ok')
    }

    const answer = await show(token, onTheTrain(), bearer)
    expect(answer.decision?.because.map(({ reason }) => reason)).toContain('secret_overdue')
    expect(codeOf(await show(token, onTheTrain(), sensitive))).toBe('step_up_required')
  })

  test('logins over a day confirm a place where nothing better can be proved', async () => {
    const codesWith = async (factors: readonly string[]): Promise<readonly string[]> => {
      const { host, login, show } = await harness(inMemory)
      await login()
      for (let visit = 0; visit < 4; visit++) {
        host.advance(9 * HOUR)
        await login({ amr: ['pwd'], factors, request: onTheTrain() })
      }
      host.advance(HOUR)
      const token = await login()
      return [codeOf(await show(token, onTheTrain(), { sensitivity: 'sensitive' }))]
    }

    expect(await codesWith(['otp'])).toEqual(['step_up_required'])
    expect(await codesWith([])).toEqual(['ok'])
  })

  test('two addresses without geo data are only two prefixes', async () => {
    const { login, show } = await harness(inMemory, { lookup: () => undefined })
    const token = await login()

    expect(codeOf(await show(token, onTheTrain()))).toBe('ok')
  })
})

describe('New York, thirty minutes later Tokyo', () => {
  const places = {
    '192.0.2.10': {
      asn: 64600,
      country: 'US',
      city: 'New York',
      latitude: 40.71,
      longitude: -74.01,
      kind: 'fixed',
      radiusKm: 25,
    },
    '198.51.100.7': {
      asn: 64601,
      country: 'JP',
      city: 'Tokyo',
      latitude: 35.68,
      longitude: 139.69,
      kind: 'fixed',
      radiusKm: 25,
    },
  } as const
  const travelling = {
    lookup: (ip: string) => (ip in places ? places[ip as keyof typeof places] : undefined),
  }
  const clock = { client: { screen: '2560x1440x1', timezone: 'America/New_York' } }
  const home = atHome(clock)
  const tokyo = atHome({ ...clock, ip: '198.51.100.7' })

  test('is challenged with an honest distance under the balanced and strict policies', async () => {
    for (const options of [travelling, { ...travelling, policy: strict() }]) {
      const { host, login, show } = await harness(inMemory, options)
      const token = await login({ request: home })
      host.advance(30 * MINUTE)

      const answer = await show(token, tokyo)

      expect(answer).toMatchObject({ ok: false, code: 'step_up_required' })
      const journey = answer.decision?.because.find(({ reason }) => reason === 'travel_infeasible')
      expect(journey?.detail.atLeastKm).toBeGreaterThan(10_000)
      expect(journey?.detail.atLeastKm).toBeLessThan(10_850)
    }
  })

  test('the home context works on meanwhile', async () => {
    const { host, login, show } = await harness(inMemory, travelling)
    const token = await login({ request: home })
    host.advance(30 * MINUTE)
    await show(token, tokyo)

    expect(codeOf(await show(token, home))).toBe('ok')
  })
})

describe('a login', () => {
  test('with a password alone, from an unknown place, starts under challenge', async () => {
    const { login, show, sessions } = await harness(inMemory)
    await login()

    const created = await sessions.create({
      subject: 'ada',
      request: abroad(),
      amr: ['pwd'],
      factors: ['otp'],
    })

    expect(created).toMatchObject({ ok: true, decision: { outcome: 'challenge' } })
    const token = created.ok ? created.token : ''
    expect(codeOf(await show(token, abroad()))).toBe('step_up_required')
    const changed = abroad({ client: { screen: '800x600x1', timezone: 'Europe/Oslo' } })
    expect(codeOf(await show(token, changed))).toBe('step_up_required')
  })

  test('stays challenged however long it waits in its own network', async () => {
    const { host, login, show, sessions } = await harness(inMemory)
    await login()
    const created = await sessions.create({ subject: 'ada', request: abroad(), factors: ['otp'] })
    const token = created.ok ? created.token : ''

    host.advance(110 * MINUTE)

    expect(codeOf(await show(token, abroad()))).toBe('step_up_required')
    expect(codeOf(await show(token, abroad({ ip: '203.0.113.200' })))).toBe('step_up_required')
  })

  test('of a subject without a second factor is reported, and opens every route', async () => {
    const { login, show, sessions, events } = await harness(inMemory)
    await login({ factors: [], amr: ['pwd'] })

    const created = await sessions.create({ subject: 'ada', request: abroad(), amr: ['pwd'] })

    expect(created).toMatchObject({ ok: true, decision: { outcome: 'observe' } })
    expect(created.ok && created.decision.score).toBeGreaterThanOrEqual(24)
    expect(events.at(-1)).toMatchObject({ decision: { outcome: 'observe' } })
    const token = created.ok ? created.token : ''
    expect(codeOf(await show(token, abroad(), { sensitivity: 'sensitive' }))).toBe('ok')
  })

  test('of such a subject teaches their past no more than a visit does', async () => {
    const { host, login, show } = await harness(inMemory)
    await login({ factors: [], amr: ['pwd'] })
    await login({ factors: [], amr: ['pwd'], request: abroad() })
    host.advance(MINUTE)
    const home = await login({ factors: [], amr: ['pwd'] })

    expect(codeOf(await show(home, abroad()))).toBe('step_up_required')
  })

  test('that was made elsewhere is as old as it says, and never younger than now', async () => {
    const { host, login, show } = await harness(inMemory)
    const moved = await login({ authenticatedAt: host.now() - HOUR })
    const ahead = await login({ authenticatedAt: host.now() + HOUR })

    expect(codeOf(await show(moved))).toBe('ok')
    expect(codeOf(await show(moved, atHome(), { maxAgeMs: 5 * MINUTE }))).toBe('step_up_required')
    host.advance(6 * MINUTE)
    expect(codeOf(await show(ahead, atHome(), { maxAgeMs: 5 * MINUTE }))).toBe('step_up_required')
    await expect(login({ authenticatedAt: Number.NaN })).rejects.toMatchObject({
      code: 'invalid_input',
    })
  })

  test('"remember me" lives longer and its cookie may persist', async () => {
    const { host, login, show } = await harness(inMemory)
    const token = await login({ class: 'remember' })

    host.advance(6 * DAY)
    expect(await show(token)).toMatchObject({ ok: true, persistent: true })
    host.advance(7 * DAY)
    expect(codeOf(await show(token))).toBe('session_expired')
  })

  test('lifetimes are a tenant’s own where it has them', async () => {
    const brief = { default: { absolute: HOUR, idle: 10 * MINUTE, persistent: false } }
    const { host, login, show } = await harness(inMemory, { tenants: { bank: brief } })
    const elsewhere = await login()
    const bank = await login({ tenant: 'bank' })

    host.advance(10 * MINUTE)
    expect(codeOf(await show(bank))).toBe('session_expired')
    expect(codeOf(await show(elsewhere))).toBe('ok')
  })
})

describe('reports', () => {
  test('a changed credential ends the others, "not me" the one, a closed account all', async () => {
    const { sessions, host, login, show } = await harness(inMemory)
    const [kept, other] = [await login(), await login()]
    const idOf = (token: string): string => token.split('.')[1] ?? ''
    host.advance(SECOND)

    await sessions.report({ kind: 'credential_changed', subject: 'ada', except: idOf(kept) })
    expect([codeOf(await show(kept)), codeOf(await show(other))]).toEqual(['ok', 'session_unknown'])

    await sessions.report({ kind: 'not_me', session: idOf(kept) })
    expect(codeOf(await show(kept))).toBe('session_unknown')

    host.advance(SECOND)
    const last = await login()
    host.advance(SECOND)
    await sessions.report({ kind: 'account_disabled', subject: 'ada' })
    expect(codeOf(await show(last))).toBe('session_unknown')
  })

  test('failed logins are logged up to a bound, however many there are', async () => {
    const { sessions, store, keyring, host } = await harness(inMemory)

    for (let i = 0; i < 100; i++) {
      host.advance(SECOND)
      await sessions.report({ kind: 'login_failed', subject: 'ada', request: abroad() })
    }

    const { items } = await eventLog({ store, keyring }).read(undefined, 1_000)
    expect(items.filter(({ type }) => type === 'login-failed')).toHaveLength(16)
  })
})

describe('attributes', () => {
  test('change apart from the security state: no rotation overwrites a patch', async () => {
    const { sessions, host, login, show } = await harness(inMemory)
    const token = await login({ attributes: { cart: { items: 1 }, theme: 'dark' } })
    const id = token.split('.')[1] ?? ''
    host.advance(6 * MINUTE)

    const [version, answer] = await Promise.all([
      sessions.patchAttributes(id, { cart: { items: 2 }, theme: null }, 1),
      show(token),
    ])

    expect(version).toBe(2)
    expect(await show(held(token, answer))).toMatchObject({
      session: { attributes: { cart: { items: 2 } }, attributesVersion: 2 },
    })
    await expect(sessions.patchAttributes(id, { cart: null }, 1)).rejects.toMatchObject({
      code: 'attributes_conflict',
    })
  })

  test('of a session whose owner is another than was named do not change', async () => {
    const { sessions, login, show } = await harness(inMemory)
    const token = await login({ attributes: { theme: 'dark' } })
    const id = token.split('.')[1] ?? ''
    const patch = (owner: SubjectRef): Promise<number> =>
      sessions.patchAttributes(id, { theme: 'light' }, 1, owner)

    for (const owner of [{ subject: 'grace' }, { subject: 'ada', tenant: 'acme' }]) {
      await expect(patch(owner)).rejects.toMatchObject({ code: 'not_found' })
    }
    expect(await show(token)).toMatchObject({ session: { attributes: { theme: 'dark' } } })
    expect(await patch({ subject: 'ada' })).toBe(2)
  })
})

describe('keys', () => {
  test('rotate under live sessions: old records open and are re-sealed', async () => {
    const { host, login, show, store, keyring } = await harness(inMemory)
    const [busy, quiet] = [await login({ attributes: { a: 1 } }), await login({ subject: 'linus' })]
    const rotated = rotateKeyring(keyring, host)
    const sessions = createSessions({ store, keyring: rotated, host, lookup })

    host.advance(6 * MINUTE)
    const answer = await sessions.verify({ token: busy, request: atHome(), deliverable: true })
    expect(codeOf(answer)).toBe('ok')
    expect(answer.ok && answer.token).toBeTruthy()
    expect(codeOf(await sessions.verify({ token: quiet, request: atHome() }))).toBe('ok')

    // two sessions, the attributes of one, two histories; both sessions were written since
    const all = { read: 5, unreadable: 0 }
    expect(await resealAll({ store, keyring: rotated })).toEqual({ ...all, resealed: 3 })
    expect(await resealAll({ store, keyring: rotated })).toEqual({ ...all, resealed: 0 })
    expect(codeOf(await sessions.verify({ token: quiet, request: atHome() }))).toBe('ok')
    expect(codeOf(await show(quiet).catch(({ code }) => ({ ok: false, code }) as never))).toBe(
      'key_unknown',
    )
  })
})

describe('the store’s honesty', () => {
  test('a record older than one this process has seen is refused, not believed', async () => {
    const old = new Map<string, Awaited<ReturnType<typeof read>>>()
    let rolledBack = false
    const { host, login, show } = await harness(async (now) => {
      const store = await inMemory(now)
      return {
        ...store,
        entries: {
          ...store.entries,
          async read(id) {
            const found = await store.entries.read(id)
            if (!old.has(id)) old.set(id, found)
            return rolledBack ? old.get(id) : found
          },
        },
      }
    })
    const token = await login()
    await show(token)
    host.advance(6 * MINUTE)
    const successor = held(token, await show(token))
    await show(successor)
    rolledBack = true

    await expect(show(successor)).rejects.toMatchObject({ code: 'store_rolled_back' })
    await expect(show(token)).rejects.toMatchObject({ code: 'store_rolled_back' })

    async function read(): Promise<import('../../src/core/store.ts').Found | undefined> {
      return undefined
    }
  })
})

describe('policies', () => {
  test('a tenant may have a policy of its own, and no inherited name is one', async () => {
    const { login, show } = await harness(inMemory, {
      policy: lenient(),
      tenantPolicies: { bank: strict() },
    })
    const elsewhere = onTheTrain({ client: { screen: '1280x720x1', timezone: 'Europe/Oslo' } })
    const codes: Record<string, string> = {}
    for (const tenant of ['bank', 'default', 'constructor']) {
      codes[tenant] = codeOf(await show(await login({ tenant }), elsewhere))
    }

    expect(codes).toEqual({ bank: 'step_up_required', default: 'ok', constructor: 'ok' })
  })

  test('a shadow policy decides nothing and says where it would have differed', async () => {
    const { login, show, events } = await harness(inMemory, {
      policy: lenient(),
      shadowPolicy: strict(),
    })
    const token = await login()

    expect(codeOf(await show(token, onTheTrain()))).toBe('ok')
    expect(events.filter(({ type }) => type === 'policy-differed')).toHaveLength(1)
  })

  test('a signal that throws lets nobody in and throws nobody out', async () => {
    const broken = () => {
      throw new Error('out of data')
    }
    const { login, show } = await harness(inMemory, { signals: [broken] })
    const token = await login()

    expect(await show(token, onTheTrain())).toMatchObject({
      ok: true,
      decision: { outcome: 'observe' },
    })
    expect(codeOf(await show(token, atHome(), { sensitivity: 'sensitive' }))).toBe(
      'step_up_required',
    )
  })
})

test('every event of a session is in the log, sealed, with reasons, in order', async () => {
  const { sessions, store, keyring, host, login, show, stepUp } = await harness(inMemory)
  const token = await login()
  host.advance(6 * MINUTE)
  await show(token, abroad())
  const passed = held(token, await stepUp(token, abroad()))
  await sessions.logout(passed)

  const { items } = await eventLog({ store, keyring }).read(undefined, 100)

  expect(items.map(({ type }) => type)).toEqual([
    'session-established',
    'anomaly-detected',
    'step-up-required',
    'step-up-required',
    'step-up-completed',
    'session-revoked',
  ])
  expect(items[1]?.decision?.because.length).toBeGreaterThan(1)
  expect(JSON.stringify(items)).not.toMatch(/203\.0\.113|192\.0\.2|Mozilla|"ada"/)
})

describe('a confirmed place under two kinds of heavy evidence', () => {
  const accusing = (group: 'N' | 'D') => (): readonly Evidence[] => [
    { group, reason: `planted_${group}`, weight: 28, detail: {}, text: 'Planted.' },
  ]

  test('may only read, until a step-up or until the evidence has decayed', async () => {
    const planted = { on: false }
    const signal = (group: 'N' | 'D'): Signal => {
      const accuse = accusing(group)
      return () => (planted.on ? accuse() : [])
    }
    const { host, login, show, stepUp } = await harness(inMemory, {
      signals: [signal('N'), signal('D')],
    })
    const token = await login()
    const moved = atHome({ client: { screen: '800x600x1', timezone: 'Europe/Oslo' } })
    planted.on = true
    expect(await show(token, moved)).toMatchObject({ ok: true, decision: { outcome: 'limit' } })
    planted.on = false

    expect(await show(token, moved)).toMatchObject({ ok: true, decision: { outcome: 'limit' } })
    expect(codeOf(await show(token, { ...moved, method: 'POST' }))).toBe('session_limited')
    host.advance(10 * MINUTE)
    expect(codeOf(await show(token, moved))).toBe('step_up_required')
    const passed = held(token, await stepUp(token, moved))
    expect(await show(passed, { ...moved, method: 'POST' })).toMatchObject({
      ok: true,
      decision: { outcome: 'allow', score: 0 },
    })
  })
})
