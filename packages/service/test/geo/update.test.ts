import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { geoLookup, parseCidr } from 'holdfast/network'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type MmdbValue, mmdbWriter } from '../../../../tools/mmdb-writer.mjs'
import { isAllowedUrl } from '../../src/geo/download.ts'
import { geoStatus } from '../../src/geo/record.ts'
import { type UpdateOptions, type UpdateProgress, updateGeo } from '../../src/geo/update.ts'

const JUNE = Date.UTC(2026, 5, 20)
const BUILT = Date.UTC(2026, 5, 1)
const DAY = 86_400_000
const CITY = 'dbip-city-lite-2026-06.mmdb.gz'
const ASN = 'dbip-asn-lite-2026-06.mmdb.gz'
const JULY_ASN = 'dbip-asn-lite-2026-07.mmdb.gz'

function mmdb(
  type: string,
  record: { readonly [key: string]: MmdbValue },
  builtAt = BUILT,
): Buffer {
  const writer = mmdbWriter({ type, builtAt })
  const network = parseCidr('203.0.113.0/24')
  if (network === undefined) throw new Error('not a network')
  writer.add({ words: network.address.words, bits: network.bits }, record)
  return writer.finish()
}

const CITY_FILE = mmdb('DBIP-City-Lite', {
  country: { iso_code: 'NO' },
  city: { names: { en: 'Oslo' } },
})
const ASN_FILE = mmdb('DBIP-ASN-Lite', {
  autonomous_system_number: 2119,
  autonomous_system_organization: 'Telenor Norge AS',
})

describe('holdfast geo update', () => {
  /** What the server has, by file name. */
  const served = new Map<string, Buffer | ((response: ServerResponse) => void)>()
  const requests: string[] = []
  const server = createServer((request, response) => {
    const name = request.url?.replace('/free/', '') ?? ''
    requests.push(name)
    const content = served.get(name)
    if (content === undefined) response.writeHead(404).end('no')
    else if (typeof content === 'function') content(response)
    else response.writeHead(200).end(content)
  })
  let from = ''
  let into = ''

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    from = `http://127.0.0.1:${address.port}/free`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  beforeEach(async () => {
    into = await mkdtemp(join(tmpdir(), 'holdfast-geo-update-'))
    served.clear()
    served.set(CITY, gzipSync(CITY_FILE)).set(ASN, gzipSync(ASN_FILE))
    requests.length = 0
  })
  afterEach(() => rm(into, { recursive: true, force: true }))

  function update(options: Partial<UpdateOptions> = {}) {
    return updateGeo({ from, into, now: () => JUNE, ...options })
  }

  async function names(): Promise<readonly string[]> {
    return (await readdir(into)).sort()
  }

  const COMPLETE = ['dbip-asn-lite.mmdb', 'dbip-city-lite.mmdb', 'geo.json']

  test('fetches both files, which then answer, and writes down where they are from', async () => {
    const progress: UpdateProgress[] = []

    const result = await update({ onProgress: (step) => progress.push(step) })

    expect(result).toMatchObject({ ok: true, changed: true })
    expect(await names()).toEqual(COMPLETE)
    expect(await readFile(join(into, 'dbip-city-lite.mmdb'))).toEqual(CITY_FILE)
    const geo = geoLookup({
      city: [join(into, 'dbip-city-lite.mmdb')],
      asn: [join(into, 'dbip-asn-lite.mmdb')],
      onProblem: ({ message }) => expect.fail(message),
    })
    geo.close()
    expect(geo.lookup('203.0.113.9')).toMatchObject({ country: 'NO', city: 'Oslo', asn: 2119 })
    expect(JSON.parse(await readFile(join(into, 'geo.json'), 'utf8'))).toEqual({
      format: 1,
      source: 'DB-IP Lite',
      licence: 'CC BY 4.0',
      licenceUrl: 'https://creativecommons.org/licenses/by/4.0/',
      attribution: 'IP Geolocation by DB-IP',
      attributionUrl: 'https://db-ip.com',
      fetchedAt: JUNE,
      files: [
        {
          role: 'city',
          name: 'dbip-city-lite.mmdb',
          month: '2026-06',
          url: `${from}/${CITY}`,
          bytes: CITY_FILE.length,
          sha256: createHash('sha256').update(CITY_FILE).digest('hex'),
          type: 'DBIP-City-Lite',
          builtAt: BUILT,
        },
        expect.objectContaining({ role: 'asn', url: `${from}/${ASN}` }),
      ],
    })
    expect(progress.at(-1)).toEqual({ url: `${from}/${ASN}`, received: gzipSync(ASN_FILE).length })
  })

  test('takes the month before while there is no newer edition, in January too', async () => {
    const result = await update({ now: () => Date.UTC(2026, 6, 1) })
    expect(result).toMatchObject({ ok: true, files: [{ month: '2026-06' }, { month: '2026-06' }] })

    served.clear()
    requests.length = 0
    await update({ now: () => Date.UTC(2027, 0, 31) })
    expect(requests).toEqual(['dbip-city-lite-2027-01.mmdb.gz', 'dbip-city-lite-2026-12.mmdb.gz'])
  })

  test('takes exactly the month that was asked for', async () => {
    expect(await update({ month: '2026-07' })).toMatchObject({ ok: false, problem: 'not_found' })
    expect(requests).toEqual(['dbip-city-lite-2026-07.mmdb.gz'])
    expect(await update({ month: '2026-06', now: () => 0 })).toMatchObject({ ok: true })
  })

  test('fetches no edition that is here already, and again one that is damaged', async () => {
    await update()
    requests.length = 0
    expect(await update()).toMatchObject({ ok: true, changed: false })
    expect(requests).toEqual([])

    await writeFile(join(into, 'dbip-asn-lite.mmdb'), 'gone')
    expect(await update()).toMatchObject({ ok: true, changed: true })
    expect(requests).toEqual([ASN])
    expect(await readFile(join(into, 'dbip-asn-lite.mmdb'))).toEqual(ASN_FILE)
  })

  test('follows a mirror that sends it on', async () => {
    const city = gzipSync(CITY_FILE)
    served.set(CITY, (response) => response.writeHead(302, { location: 'elsewhere.gz' }).end())
    served.set('elsewhere.gz', city)
    expect(await update()).toMatchObject({ ok: true, files: [{ url: `${from}/${CITY}` }, {}] })
    expect(requests).toEqual([CITY, 'elsewhere.gz', ASN])
  })

  describe('changes nothing and says why', () => {
    const html = Buffer.from('<html>Too many downloads</html>')
    const cut = gzipSync(ASN_FILE).subarray(0, -10)
    const bomb = gzipSync(Buffer.alloc(8 * 2 ** 20))
    test.each<[string, Buffer | ((response: ServerResponse) => void), string]>([
      ['when a page comes instead of a file', html, 'damaged'],
      ['when the file is cut off', cut, 'damaged'],
      ['when the file is not MMDB', gzipSync(html), 'damaged'],
      ['when half of the MMDB is missing', gzipSync(CITY_FILE.subarray(0, 200)), 'damaged'],
      ['when places come under the name of networks', gzipSync(CITY_FILE), 'damaged'],
      ['when it unpacks to more than is allowed', bomb, 'too_large'],
      ['when the server fails', (response) => response.writeHead(500).end(), 'unreachable'],
      ['when the answer is empty', (response) => response.writeHead(204).end(), 'unreachable'],
      [
        'when the connection breaks',
        (response) => {
          response.writeHead(200, { 'content-length': 1_000 })
          response.write(gzipSync(CITY_FILE).subarray(0, 40), () => response.destroy())
        },
        'unreachable',
      ],
      [
        'when it is sent elsewhere in clear',
        (response) => response.writeHead(302, { location: 'http://192.0.2.1/x' }).end(),
        'unreachable',
      ],
      [
        'when it is sent round in circles',
        (response) => response.writeHead(302, { location: `/free/${JULY_ASN}` }).end(),
        'unreachable',
      ],
    ])('%s', async (_, content, problem) => {
      await update()
      const july = { now: () => Date.UTC(2026, 6, 20), maxBytes: 2 ** 20, timeoutMs: 5_000 }
      served.set(CITY.replace('06', '07'), gzipSync(mmdb('New', { country_code: 'SE' })))
      served.set(JULY_ASN, content)

      const result = await update(july)

      expect(result).toMatchObject({ ok: false, problem })
      expect(await names()).toEqual(COMPLETE)
      expect(await readFile(join(into, 'dbip-city-lite.mmdb'))).toEqual(CITY_FILE)
      expect((await geoStatus(into, JUNE))?.record.files[0]?.month).toBe('2026-06')
    })

    test('when an ASN file comes under the name of the city file', async () => {
      await update()
      served.set(CITY.replace('06', '07'), gzipSync(ASN_FILE)).set(JULY_ASN, gzipSync(ASN_FILE))

      const result = await update({ now: () => Date.UTC(2026, 6, 20) })

      expect(result).toMatchObject({ ok: false, problem: 'damaged' })
      expect(await readFile(join(into, 'dbip-city-lite.mmdb'))).toEqual(CITY_FILE)
    })

    test('when the server does not answer in time', async () => {
      served.set(CITY, (response) => response.writeHead(200).flushHeaders())
      expect(await update({ timeoutMs: 50 })).toMatchObject({ ok: false, problem: 'unreachable' })
      expect(await names()).toEqual([])
    })

    test('when nobody listens', async () => {
      const result = await update({ from: 'http://127.0.0.1:9' })
      expect(result).toMatchObject({ ok: false, problem: 'unreachable' })
    })
  })

  test('clears away what a killed update left behind a day ago, and only that', async () => {
    const [old, young] = ['a.mmdb.0123.part', 'b.mmdb.4567.part'].map((name) => join(into, name))
    if (old === undefined || young === undefined) throw new Error('unreachable')
    await Promise.all([writeFile(old, ''), writeFile(young, ''), writeFile(join(into, 'own'), '')])
    await utimes(old, new Date(JUNE - 2 * DAY), new Date(JUNE - 2 * DAY))
    await utimes(young, new Date(JUNE - DAY / 2), new Date(JUNE - DAY / 2))
    await update()
    expect(await names()).toEqual(['b.mmdb.4567.part', ...COMPLETE, 'own'])
  })

  test('options that do not work are named', async () => {
    const own = join(into, 'file')
    await writeFile(own, '')
    for (const [options, message] of [
      [{ from: 'http://mirror.example/free' }, 'must be https'],
      [{ from: 'ftp://mirror.example' }, 'must be https'],
      [{ from: 'mirror' }, 'must be https'],
      [{ month: '2026-13' }, 'must be written as'],
      [{ month: '../../etc' }, 'must be written as'],
      [{ into: own }, 'cannot be used'],
    ] as const) {
      const failure = expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringContaining(message),
      })
      await expect(update(options)).rejects.toEqual(failure)
    }
    expect(requests).toEqual([])
  })

  describe('the status of a folder', () => {
    test('is the age of its oldest file and what is missing of it', async () => {
      expect(await geoStatus(into, JUNE)).toBeUndefined()
      await update()
      expect(await geoStatus(into, BUILT + 45 * DAY)).toMatchObject({
        ageMs: 45 * DAY,
        stale: false,
        missing: [],
        record: { licence: 'CC BY 4.0' },
      })
      await rm(join(into, 'dbip-asn-lite.mmdb'))
      expect(await geoStatus(into, BUILT + 46 * DAY)).toMatchObject({
        stale: true,
        missing: ['dbip-asn-lite.mmdb'],
      })
    })

    test('of a foreign or damaged record is an error that says what to do', async () => {
      await update()
      const good = await readFile(join(into, 'geo.json'), 'utf8')
      const bad = ['', '[]', '{"format":2}', good.replace('dbip-city-lite.mmdb', '../../secret')]
      for (const text of bad) {
        await writeFile(join(into, 'geo.json'), text)
        await expect(geoStatus(into, JUNE)).rejects.toMatchObject({ code: 'config_invalid' })
      }
    })
  })
})

test('only https and this machine are asked for data', () => {
  const allowed = [
    'https://download.db-ip.com/free',
    'http://localhost:1',
    'http://[::1]/',
    'http://127.0.0.1',
  ]
  const refused = [
    'http://example.com',
    'http://127.evil.example',
    'file:///etc',
    'http://10.0.0.1',
    '',
  ]
  expect(allowed.filter((url) => !isAllowedUrl(url))).toEqual([])
  expect(refused.filter(isAllowedUrl)).toEqual([])
})
