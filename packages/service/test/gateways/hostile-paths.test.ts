import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { echoApp } from './app.ts'
import { documented, EDGES, type Edge } from './edges.ts'
import { CHROME } from './gates.ts'
import { rawLines } from './raw-line.ts'
import { detours, isGuarded, isOpen, READINGS, spellings } from './spellings.ts'
import { stubAuthority } from './stub-authority.ts'

/** Requests at once. */
const LANES = 16

describe.each(EDGES)('the paths of $name', ({ start }) => {
  let app: Awaited<ReturnType<typeof echoApp>>
  let stub: Awaited<ReturnType<typeof stubAuthority>>
  let edge: Edge

  beforeAll(async () => {
    app = await echoApp()
    stub = await stubAuthority()
    stub.answer(200)
    edge = await start({ gate: stub.address, app: app.address })
  })
  afterAll(() => Promise.all([edge.close(), stub.close(), app.close()]))

  /** Sends each target, and tells what the authority was asked and what the application got. */
  async function passed(targets: readonly string[], method = 'GET') {
    const [appBefore, stubBefore] = [app.seen.length, stub.asked.length]
    const left = [...targets.entries()]
    const lane = async (): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        const [at, target] = next
        await rawLines(edge.port, [
          `${method} ${target} HTTP/1.1`,
          `Host: 127.0.0.1:${edge.port}`,
          `User-Agent: ${CHROME}`,
          `X-Request-Id: spelling-${at}`,
          'Connection: close',
        ]).catch(() => '')
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))
    const asked = new Map(
      stub.asked.slice(stubBefore).map((ask) => [ask.headers['x-request-id']?.[0], ask]),
    )
    return app.seen.slice(appBefore).map((got) => {
      const id = got.headers['x-request-id']?.[0]
      const options = asked.get(id)?.url.split('?')[1] ?? 'nobody was asked'
      return { target: targets[Number(id?.split('-')[1])] ?? '', url: got.url, options }
    })
  }

  test('no spelling of a path is judged as another route than the application reads', async () => {
    const targets = [...spellings(), ...detours(), '/news/today']

    const reached = await passed(targets)

    const around = READINGS.flatMap(({ name, read }) =>
      reached
        .filter(({ url, options }) => {
          const path = read(url)
          const unguarded = isGuarded(path) && !options.includes('sensitivity=sensitive')
          return unguarded || (!isOpen(path) && options.includes('optional=yes'))
        })
        .map((one) => ({ ...one, by: name })),
    )
    const plain = [
      ...['/account', '/account/', '/account/x', '/ACCOUNT/x', '/%61ccount/x', '/account.json'],
      '/news/today',
    ]
    expect(targets.length).toBeGreaterThan(500)
    expect(around).toEqual([])
    expect(reached.map(({ target }) => target)).toEqual(expect.arrayContaining(plain))
  })

  test('no detour through preflights reaches the application without the check', async () => {
    const reached = await passed([...detours(), ...spellings().slice(0, 500), '/api/x'], 'OPTIONS')

    const unasked = reached.filter(({ options }) => options === 'nobody was asked')
    expect(unasked.map(({ url }) => url)).toEqual(['/api/x'])
  })

  test('what honest clients write goes through as they wrote it', async () => {
    const honest = [
      '/orders/7?open=1&next=%2Faccount%2F..',
      '/search/caf%C3%A9/%E6%97%A5%E6%9C%AC',
      '/files/a%20b/v1.2.tar.gz',
      '/u/@ada,lin:x/(1)+2=3!',
      '/accounting/x',
      '/account-list',
    ]

    const reached = await passed(honest)

    expect(reached.map(({ url }) => url).sort()).toEqual([...honest].sort())
    expect(reached.filter(({ options }) => options.includes('sensitive'))).toEqual([])
  })
})

test('the gateways refuse by one pattern', () => {
  const patterns = ['nginx.conf', 'Caddyfile', 'haproxy.cfg'].map(
    (file) => /\/\/\|\[\\x5c[^\s"']*/.exec(documented(file))?.[0],
  )

  expect(patterns[0]).toMatch(/^\/\/\|/)
  expect(new Set(patterns).size).toBe(1)
})
