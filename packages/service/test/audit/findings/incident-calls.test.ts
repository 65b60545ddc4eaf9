import { SessionError } from 'holdfast'
import { checker } from 'holdfast/wire'
import { describe, expect, test } from 'vitest'
import { incidentDetail, incidentPage } from '../../../src/api/incident-bodies.ts'
import type { Finding } from '../../../src/audit/finding.ts'
import { holdfast } from '../../cli/holdfast.ts'
import { type IncidentsService, incidentsService, NOW } from './incidents-service.ts'

const SESSIONS = ['A', 'E', 'I'].map((last) => `${'s'.repeat(42)}${last}`)

let made = 0

function finding(given: Partial<Finding> = {}): Finding {
  made++
  return {
    id: `finding-${made}`,
    rule: 'two_holders',
    severity: 'high',
    at: NOW - 1_000,
    title: 'Two holders\u001b[2J',
    text: 'Of one\nsecret \u202e',
    group: { session: 's1', asn: 64_500, city: null },
    subject: 'key-of-default-ada',
    session: SESSIONS[0] ?? null,
    network: '203.0.113.0/24',
    count: 1,
    events: ['e1'],
    ...given,
  }
}

async function ask(
  { url }: IncidentsService,
  path: string,
  { key = 'audit', body }: { readonly key?: string; readonly body?: object } = {},
): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(`${url}/v1/incidents${path}`, {
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? null : JSON.parse(text) }
}

describe('the API', () => {
  test('lists by state, severity and the name of a subject, in pages', async () => {
    const service = await incidentsService()
    service.store.add(finding())
    service.store.add(finding({ subject: 'key-of-acme-ada', session: SESSIONS[1] ?? null }))
    service.store.add(finding({ subject: 'bob', session: SESSIONS[2] ?? null, severity: 'low' }))
    const countOf = async (query: string): Promise<number> => {
      const { body } = await ask(service, query)
      expect(checker(incidentPage, 'request').problems(body)).toEqual([])
      return (body as { items: unknown[] }).items.length
    }

    expect(await countOf('')).toBe(3)
    expect(await countOf('?severity=high&state=open')).toBe(2)
    expect(await countOf('?subject=ada')).toBe(1)
    expect(await countOf('?subject=ada&tenant=acme')).toBe(1)
    expect(await countOf(`?session=${SESSIONS[2]}`)).toBe(1)
    const { body } = await ask(service, '?limit=2')
    const { next } = body as { next: string }
    expect(await countOf(`?limit=2&after=${next}`)).toBe(1)
  })

  test('shows an incident as it is described', async () => {
    const service = await incidentsService()
    const { incident } = service.store.add(finding())
    await ask(service, `/${incident.id}`, { key: 'admin', body: { state: 'acknowledged' } })

    const { status, body } = await ask(service, `/${incident.id}`)

    expect(status).toBe(200)
    expect(checker(incidentDetail, 'request').problems(body)).toEqual([])
    expect(body).toMatchObject({
      ...incident,
      state: 'acknowledged',
      changes: [{ at: NOW, by: 'ops', state: 'acknowledged', note: null }],
    })
  })

  test('a false alarm is reported for every session of the incident', async () => {
    const service = await incidentsService()
    const { incident } = service.store.add(finding())
    service.store.add(finding({ session: SESSIONS[1] ?? null }))
    service.store.add(finding({ session: SESSIONS[1] ?? null }))

    const { status } = await ask(service, `/${incident.id}`, {
      key: 'admin',
      body: { state: 'false_alarm', note: 'Was on a train' },
    })

    expect(status).toBe(204)
    expect(service.store.show(incident.id)?.state).toBe('false_alarm')
    expect(service.reports).toEqual(
      SESSIONS.slice(0, 2).map((session) => ({
        kind: 'false_alarm',
        session,
        correlation: 'request-1',
      })),
    )
  })

  test('a false alarm that cannot be reported changes nothing: it can be said again', async () => {
    const report = async (): Promise<never> => {
      throw new SessionError('store_unavailable', 'away')
    }
    const service = await incidentsService({ sessions: { report } })
    const { incident } = service.store.add(finding())

    const { status } = await ask(service, `/${incident.id}`, {
      key: 'admin',
      body: { state: 'false_alarm' },
    })

    expect([status, service.store.show(incident.id)?.state]).toEqual([503, 'open'])
  })

  test('reading takes the role audit, judging the role admin', async () => {
    const service = await incidentsService()
    const { id } = service.store.add(finding()).incident

    for (const key of ['admin', 'app', 'gate']) {
      expect([
        await ask(service, '', { key }),
        await ask(service, `/${id}`, { key }),
      ]).toMatchObject([{ status: 403 }, { status: 403 }])
    }
    const judged = await ask(service, `/${id}`, { key: 'audit', body: { state: 'resolved' } })
    expect(judged.status).toBe(403)
  })

  test.each<[number, string, object?]>([
    [404, '/none'],
    [404, '/none', { state: 'resolved' }],
    [400, '/OPEN', { state: 'open' }],
    [400, '/OPEN', { state: 'resolved', note: 'x'.repeat(2_001) }],
    [400, '/OPEN', { state: 'resolved', by: 'somebody else' }],
    [400, '/ENDED', { state: 'acknowledged' }],
    [400, '?after=x'],
    [400, "?after=1.'--"],
    [400, '?limit=201'],
    [400, '?tenant=acme'],
    [400, '?severity=worst'],
    [400, '?session=s1'],
    [400, `/${'x'.repeat(65)}`],
  ])('answers %i to %s %j', async (status, path, body) => {
    const service = await incidentsService()
    const open = service.store.add(finding()).incident.id
    const { id } = service.store.add(finding({ subject: 'bob', session: null })).incident
    service.store.judge(id, { state: 'resolved', by: 'ops', note: null, at: NOW })
    const asked = path.replace('OPEN', open).replace('ENDED', id)

    const answer = await ask(service, asked, {
      key: 'audit+admin',
      ...(body === undefined ? {} : { body }),
    })

    expect(answer.status).toBe(status)
  })
})

describe('the command line', () => {
  test('lists, shows and judges incidents', async () => {
    const { url, store } = await incidentsService()
    const { id } = store.add(finding()).incident
    const run = (args: string) => holdfast(args, { HOLDFAST_URL: url, HOLDFAST_KEY: 'audit+admin' })

    const acknowledged = await run(`incidents ack ${id} --note seen`)
    const listed = await run('incidents list --state acknowledged')
    const shown = await run(`incidents show ${id}`)
    const resolved = await run(`incidents resolve ${id} --json`)
    const alarm = await run(`incidents false-alarm ${id}`)
    const late = await run(`incidents ack ${id}`)

    expect([acknowledged, listed, shown, resolved, alarm].map(({ code }) => code)).toEqual(
      Array(5).fill(0),
    )
    expect(acknowledged.out).toBe(`Incident ${id} is acknowledged.\n`)
    expect(listed.out).toMatch(new RegExp(`^${id}.*high +acknowledged +1 +Two holders·\\[2J$`, 'm'))
    expect(shown.out).toContain('2026-01-05 12:00:00Z  acknowledged by ops: seen\n')
    expect(shown.out).toContain('two_holders  1 event\n  Of one·secret ·\n')
    expect(shown.out + listed.out).not.toMatch(/\p{Cf}/u)
    expect(shown.out + listed.out).not.toContain('\u001b')
    expect(JSON.parse(resolved.out)).toEqual({ incident: id, state: 'resolved' })
    expect([late.code, late.err]).toEqual([1, expect.stringContaining('The incident is over')])
    expect(store.show(id)?.state).toBe('false_alarm')
  })

  test('says what it did not find, and takes no path for an id', async () => {
    const { url } = await incidentsService()
    const run = (args: string) => holdfast(args, { HOLDFAST_URL: url, HOLDFAST_KEY: 'audit+admin' })

    expect(await run('incidents list')).toMatchObject({ code: 0, out: 'No incidents.\n' })
    expect(await run('incidents show none')).toMatchObject({ code: 1 })
    expect(await run('incidents show ../events')).toMatchObject({ code: 2 })
  })
})
