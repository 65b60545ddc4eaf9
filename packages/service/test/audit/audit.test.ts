import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { createSessions, newKeyring, systemHost } from 'holdfast'
import { memoryStore } from 'holdfast/memory'
import pino from 'pino'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { faultOf, problemDetailsOf } from '../../src/api/problem.ts'
import { type Audit, openAudit } from '../../src/audit/audit.ts'
import { noteSigner } from '../../src/audit/log/note.ts'
import { readLog } from '../../src/audit/log/read.ts'
import { verifyAudit } from '../../src/audit/log/verify.ts'
import type { WitnessConfig } from '../../src/audit/witness/settings.ts'
import { atHome, configOf, folder } from '../support.ts'
import { startPostgres, urlOf } from './search/postgres-server.ts'
import { serving, W1, W2, witness } from './witness/support.ts'

const PATIENT = { timeout: 60_000 }

beforeAll(() => {
  if (!existsSync(new URL('../../dist/audit/desk/worker.js', import.meta.url)))
    throw new Error('These tests run what "npm run build" makes: build first.')
})

/** A store with sessions, and audit logs of machines on it. */
function estate(env: Record<string, string> = {}) {
  const store = memoryStore()
  const keyring = newKeyring()
  const sessions = createSessions({ store, keyring, personalFacts: 'full' })
  const lines: string[] = []
  const files = folder()
  let made = 0
  onTestFinished(() => store.close())
  return {
    directory: (machine: string) => join(files, machine),
    log: () => lines.join(''),
    open(
      machine: string,
      { witnesses = [], ...more }: { witnesses?: WitnessConfig[]; checkpointEveryMs?: number } = {},
    ): Audit {
      const audit = openAudit({
        ...more,
        ...{ directory: join(files, machine), store, keyring, host: systemHost() },
        config: configOf({
          HOLDFAST_AUDIT_DIRECTORY: join(files, machine),
          HOLDFAST_AUDIT_MACHINE: machine,
          HOLDFAST_AUDIT_WITNESSES: JSON.stringify(witnesses),
          ...env,
        }),
        log: pino({}, { write: (line) => void lines.push(line) }),
      })
      onTestFinished(() => audit.close())
      return audit
    },
    async logins(count: number): Promise<void> {
      for (let n = 0; n < count; n++) {
        await sessions.create({ subject: `user ${++made}`, request: atHome() })
      }
    },
  }
}

/** How many logins can be found, in the newest thousand. */
async function found({ searches }: Audit): Promise<number> {
  const { items } = await searches.events({ type: 'session-established', limit: 1_000 })
  return items.length
}

function eventsIn(directory: string): number {
  return [...readLog({ directory })].filter(({ line }) => line.kind === 'event').length
}

/** The threads that are started while the test runs. */
function threads(): readonly Worker[] {
  const started: Worker[] = []
  const hear = (worker: Worker): void => void started.push(worker)
  process.on('worker', hear)
  onTestFinished(() => void process.off('worker', hear))
  return started
}

test('a thread that dies is started again, and the log goes on', async () => {
  const world = estate()
  const started = threads()
  const audit = world.open('north')
  await world.logins(5)
  await expect.poll(() => found(audit), PATIENT).toBe(5)

  await started[0]?.terminate()
  await world.logins(5)

  await expect.poll(() => found(audit).catch(() => 0), PATIENT).toBe(10)
  await expect.poll(async () => (await audit.state())?.writer, PATIENT).toBe('writing')
  await audit.close()
  expect(started).toHaveLength(2)
  expect(verifyAudit([world.directory('north')])).toMatchObject({ ok: true, faults: [] })
})

test('a thread that cannot start is told, and tried until it can', async () => {
  const world = estate()
  const blocked = join(world.directory('north'), 'desk.sqlite')
  mkdirSync(blocked, { recursive: true })
  const audit = world.open('north')
  await world.logins(3)

  await expect.poll(world.log, PATIENT).toContain('audit log: it cannot be written')
  await expect(found(audit)).rejects.toMatchObject({ code: 'store_unavailable' })
  rmSync(blocked, { recursive: true })

  await expect.poll(() => found(audit).catch(() => 0), PATIENT).toBe(3)
  expect(world.log()).toContain('audit log: its thread has ended')
})

test('what another machine has written is asked for there, and the answer says where', async () => {
  const world = estate()
  const north = world.open('north')
  await world.logins(3)
  await expect.poll(() => found(north), PATIENT).toBe(3)
  const south = world.open('south')

  await expect
    .poll(() => found(south).catch(({ message }: Error) => message), PATIENT)
    .toBe('The audit log is written on north now: ask the service there.')
  await expect(south.incidents.list({ limit: 10 })).rejects.toMatchObject({
    code: 'store_unavailable',
  })
  const refused = await south.incidents.list({ limit: 10 }).catch((error: unknown) => error)
  expect(problemDetailsOf(faultOf(refused), 'r').detail).toMatch(/is written on north now/)
  await expect(south.erase('key')).rejects.toMatchObject({ code: 'store_unavailable' })

  await north.close()
  await world.logins(2)
  await expect.poll(() => found(south).catch(() => 0), PATIENT).toBe(2)
  await south.close()
  const both = ['north', 'south'].map(world.directory)
  expect(verifyAudit(both)).toMatchObject({ ok: true, faults: [] })
})

test('with PostgreSQL every machine finds what any has written, whoever writes now', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.close())
  const address = await server.database()
  const world = estate({ HOLDFAST_AUDIT_DATABASE: urlOf(address) })
  const north = world.open('north')
  await world.logins(3)
  await expect.poll(() => found(north).catch(() => 0), PATIENT).toBe(3)
  const south = world.open('south')
  expect(await found(south)).toBe(3)

  await server.stop()
  await world.logins(2)
  const logged = (): number => eventsIn(world.directory('north'))
  await expect.poll(logged, PATIENT).toBe(5)
  await expect.poll(world.log, PATIENT).toContain('gets no events: they wait in the log')
  const away = await found(south).catch((error: unknown) => error)
  expect(problemDetailsOf(faultOf(away), 'r')).toMatchObject({
    code: 'store_unavailable',
    detail: expect.stringMatching(/^The index of the audit log cannot be used now\. /),
  })
  expect(await north.state()).toMatchObject({ writer: 'writing', caughtUp: false })
  // Ends with two events that the index does not have.
  await north.close()
  await world.logins(1)
  await expect.poll(() => eventsIn(world.directory('south')), PATIENT).toBe(1)
  await server.restart()

  await expect.poll(() => found(south).catch(() => 0), PATIENT).toBe(4)
  const again = world.open('north')
  await expect.poll(() => found(south), PATIENT).toBe(6)
  expect(await found(again)).toBe(6)
  await expect(again.incidents.list({ limit: 10 })).rejects.toMatchObject({
    message: 'The audit log is written on south now: ask the service there.',
  })
})

test('what is closed while it catches up ends at once, and catches up next time', async () => {
  const world = estate()
  const directory = world.directory('north')
  const first = world.open('north')
  await world.logins(900)
  await expect.poll(() => found(first), PATIENT).toBe(900)
  await first.close()
  for (const suffix of ['', '-wal', '-shm']) {
    rmSync(join(directory, `index.sqlite${suffix}`), { force: true })
  }

  for (let times = 0; times < 3; times++) await world.open('north').close()
  const last = world.open('north')

  await expect.poll(() => found(last), PATIENT).toBe(900)
  await last.close()
  expect(verifyAudit([directory])).toMatchObject({ ok: true, faults: [] })
})

test('once it is closed it answers so, and may be closed again', async () => {
  const world = estate()
  const audit = world.open('north')
  await audit.close()
  await audit.close()

  await expect(found(audit)).rejects.toMatchObject({
    code: 'store_unavailable',
    message: 'The audit log is closed.',
  })
  expect(await audit.state()).toBeUndefined()
})

/** A machine whose log has a witness. */
async function witnessed() {
  const world = estate()
  const directory = world.directory('north')
  await world.open('north').close()
  const key = readFileSync(join(directory, 'note.key'), 'utf8')
  const logs = [noteSigner(key).verifierKey]
  const one = await witness(W1, { now: () => Date.now(), logs })
  const policy = { witnesses: [one.verifier], quorum: 1 }
  return {
    ...{ world, witnesses: [{ url: one.url, key: one.key }] },
    verdict: () => verifyAudit([directory], { witnesses: policy }),
  }
}

test('the service gives its checkpoints to a witness, and logs what that has signed', async () => {
  const { world, witnesses, verdict } = await witnessed()
  const audit = world.open('north', { witnesses, checkpointEveryMs: 50 })
  await world.logins(5)
  await expect.poll(() => found(audit), PATIENT).toBe(5)

  const signed = async (): Promise<boolean> => {
    const state = await audit.state()
    return state?.lines != null && state.witnesses[W1.name]?.lines === state.lines
  }
  await expect.poll(signed, PATIENT).toBe(true)

  expect(world.log()).toContain('audit log: witnesses have signed')
  const { ok, directories, notes } = verdict()
  expect([ok, directories[0]?.cosigned]).toEqual([true, directories[0]?.lines])
  expect(notes.map(({ code }) => code)).toEqual(['signatures_unchecked'])
})

test('the last lines before an end have the signature of the witness, if it answers', async () => {
  const { world, witnesses, verdict } = await witnessed()
  const silent = { url: await serving(() => {}), key: W2.verifierKey }
  const audit = world.open('north', { witnesses: [...witnesses], checkpointEveryMs: 3_600_000 })
  await world.logins(5)
  await expect.poll(() => found(audit), PATIENT).toBe(5)

  await audit.close()
  const { ok, directories } = verdict()
  const next = world.open('north', { witnesses: [silent] })
  await expect.poll(async () => (await next.state())?.writer, PATIENT).toBe('writing')
  await next.close()

  expect([ok, directories[0]?.cosigned]).toEqual([true, directories[0]?.lines])
  expect(verdict()).toMatchObject({ ok: true, notes: [{ code: 'not_cosigned' }, {}] })
})
