import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openIndexFile } from '../../../src/audit/search/index-file.ts'
import { addressKey, prefixKey } from '../../../src/audit/search/network-range.ts'
import { folder } from '../../support.ts'
import { allPages, DATABASES, emptyIndex, entry, NOW } from './support.ts'

const ADA = {
  subject: 'ada.lovelace@example.org',
  tenant: 'acme-of-ada',
  userAgent: 'Agent of Ada',
}

function addressOf(line: number): string {
  return `198.51.${line % 200}.${line % 250}`
}

/** In every file of the index. */
function bytesIn(folder: string): Buffer {
  return Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))))
}

test('of an erased subject no byte of name, address or agent is left in the files', () => {
  const at = folder()
  const { database, index } = openIndexFile(join(at, 'index.db'), { now: () => NOW })
  onTestFinished(() => database.close())
  // Among others, so that her rows share pages with theirs, and move as pages split.
  for (let from = 0; from < 8_000; from += 500) {
    index.ingest(
      Array.from({ length: 500 }, (_, of) => {
        const line = from + of
        const isHers = line % 3 === 0
        const subject = isHers ? 'key-of-ada' : `key-${(line * 7_919) % 5_000}`
        const session = `${subject}-${(line * 31) % 400}`
        const address = isHers ? addressOf(line) : `203.0.${line % 250}.${line % 199}`
        return entry(
          line,
          { subject, session, correlation: `c-${(line * 104_729) % 1_000_003}` },
          isHers
            ? { ...ADA, address }
            : {
                subject: `name of ${subject}`,
                address,
                userAgent: `Agent ${'x'.repeat(line % 80)}`,
              },
        )
      }),
    )
  }
  const address = addressOf(3)
  const before = bytesIn(at)
  for (const text of [ADA.subject, ADA.tenant, ADA.userAgent, address])
    expect(before.includes(text), text).toBe(true)

  while (!index.forget('key-of-ada'));

  const after = bytesIn(at)
  const hers = Array.from({ length: 200 }, (_, line) => addressOf(3 * line))
  const keys = hers.flatMap((one) => [addressKey(one) ?? '', prefixKey(addressKey(one)) ?? ''])
  for (const text of [ADA.subject, ADA.tenant, ADA.userAgent, ...hers, ...keys])
    expect(after.includes(text), text).toBe(false)
})

test.for(DATABASES)(
  'what an erased subject did stays, under its key alone, and others keep their names: %s',
  async (database) => {
    const index = await emptyIndex(database)
    const device = { family: 'firefox', major: 1, os: 'linux' } as const
    await index.ingest([
      entry(0, { subject: 'key', session: 's', device }, { ...ADA, address: '198.51.100.1' }),
      entry(1, { subject: 'key', session: 's', device }, { ...ADA, address: '198.51.100.2' }),
      entry(2, { subject: 'other', session: 't' }, { subject: 'eve', address: '198.51.100.1' }),
    ])

    await index.forget('key')

    expect((await index.events({ subject: ADA.subject, tenant: ADA.tenant })).items).toEqual([])
    expect(
      (await index.events({ subjectKey: 'key' })).items.map(({ personal }) => personal),
    ).toEqual([...[null, null]])
    expect((await index.subjects({ subjectKey: 'key' })).items).toMatchObject([
      { name: null, tenant: null, events: 2, places: [{ address: null, browser: 'firefox' }] },
    ])
    expect((await index.sessions({ network: '198.51.100.0/24' })).items).toMatchObject([
      { session: 't', name: 'eve' },
    ])
  },
)

test.for(DATABASES)(
  'an index that forgot is as one that was made from a log without the personal part: %s',
  async (database) => {
    const entries = Array.from({ length: 50 }, (_, line) =>
      entry(
        line,
        { subject: `key-${line % 3}`, session: `s-${line % 7}` },
        { subject: `name-${line % 3}`, tenant: 'default', address: addressOf(line) },
      ),
    )
    const forgetful = await emptyIndex(database)
    const without = await emptyIndex(database)

    await forgetful.ingest(entries)
    await forgetful.forget('key-1')
    await without.ingest(
      entries.map((one) => (one.event.subject === 'key-1' ? { ...one, personal: null } : one)),
    )

    for (const of of ['events', 'sessions', 'subjects'] as const)
      expect(await allPages<unknown>(forgetful[of], {})).toEqual(
        await allPages<unknown>(without[of], {}),
      )
  },
)
