import {
  chmodSync,
  chownSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { encodeCursor } from 'holdfast/store'
import { describe, expect, test } from 'vitest'
import { mmdbWriter } from '../../../../tools/mmdb-writer.mjs'
import { COMMANDS } from '../../src/cli/main.ts'
import { abroad, atHome, folder, KEYS, LOGIN, type Running, running } from '../support.ts'
import { type Done, holdfast } from './holdfast.ts'

/** An MMDB file with one place in it. */
function cityFile(): string {
  const path = join(folder(), 'city.mmdb')
  const writer = mmdbWriter({ type: 'City' })
  writer.add({ words: [0xcb00_7100], bits: 24 }, { country_code: 'NO' })
  writeFileSync(path, writer.finish())
  return path
}

describe('help', () => {
  test('of the program lists every command, and exits with 0 only if asked for', async () => {
    const asked = await holdfast('--help')
    const bare = await holdfast('')

    for (const { name } of COMMANDS) expect(asked.out).toContain(`${name} `)
    for (const { about } of COMMANDS) expect(asked.out).toContain(about)
    expect([asked.code, bare.code]).toEqual([0, 2])
  })

  test.each(['config', 'keys', 'sessions', 'geo'])(
    'of the group "%s" lists its commands',
    async (group) => {
      const { code, out } = await holdfast(`${group} --help`)

      const listed = COMMANDS.filter(({ about }) => out.includes(about)).map(({ name }) => name)
      expect(code).toBe(0)
      expect(listed).toEqual(
        COMMANDS.map(({ name }) => name).filter((name) => name.startsWith(`${group} `)),
      )
    },
  )

  test.each(COMMANDS.map(({ name }) => name))(
    'of "%s" explains its options and has an example',
    async (name) => {
      const { code, out } = await holdfast(`${name} --help`)

      const command = COMMANDS.find((one) => one.name === name)
      expect(code).toBe(0)
      expect(out).toContain(`Usage: holdfast ${name}`)
      for (const option of Object.keys(command?.options ?? {})) expect(out).toContain(`--${option}`)
      expect(out).toContain('--json')
      expect(out).toContain('Exit codes:')
      expect(command?.examples.join('\n')).toContain(`holdfast ${name}`)
    },
  )
})

describe('a wrong command line is exit code 2 and says what was meant', () => {
  test.each([
    ['sesions list', 'sessions list'],
    ['sessions', 'sessions show'],
    ['config prnt', 'config print'],
    ['sessions list', '<subject>'],
    ['sessions list ada eve', '<subject>'],
    ['events --folow', '--follow'],
    ['events --limit', '--limit'],
    ['sessions show x', 'HOLDFAST_KEY'],
    ['keys status', 'HOLDFAST_KEYRING'],
    ['frobnicate', '--help'],
  ])('%s', async (args, hint) => {
    const { code, out, err } = await holdfast(args)

    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err).toContain(hint)
  })

  test('and never repeats a key', async () => {
    const { code, err } = await holdfast(`sessions list --kee=${KEYS.app} ada`)

    expect(code).toBe(2)
    expect(err).not.toContain(KEYS.app)
  })
})

describe('keys', () => {
  test('new makes a ring for its owner alone, and never replaces one', async () => {
    const file = join(folder(), 'ring.json')

    const made = await holdfast(`keys new ${file}`)
    const again = await holdfast(`keys new ${file}`)

    const ring = JSON.parse(readFileSync(file, 'utf8'))
    expect(made.code).toBe(0)
    expect(made.out).toContain(ring.current)
    expect(again.code).toBe(1)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    for (const { secret } of ring.keys) expect(made.out + again.err).not.toContain(secret)
  })

  test('rotate adds a key and keeps the old ones; status shows no material', async () => {
    const file = join(folder(), 'ring.json')
    await holdfast(`keys new ${file}`)
    const before = JSON.parse(readFileSync(file, 'utf8'))

    const rotated = await holdfast('keys rotate --json', { HOLDFAST_KEYRING: file })
    const status = await holdfast(`keys status ${file} --json`)

    const after = JSON.parse(readFileSync(file, 'utf8'))
    expect(after.index).toBe(before.index)
    expect(after.keys[0]).toEqual(before.keys[0])
    expect(JSON.parse(rotated.out).current).toBe(after.current)
    const keys = JSON.parse(status.out).keys
    expect(keys.map(({ id, state }: { id: string; state: string }) => [id, state])).toEqual([
      [before.current, 'older'],
      [after.current, 'current'],
    ])
    expect(status.out).not.toContain(after.keys[1].secret)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('add leaves the sealing key as it is; rotate promotes the one added', async () => {
    const file = join(folder(), 'ring.json')
    await holdfast(`keys new ${file}`)
    const before = JSON.parse(readFileSync(file, 'utf8'))

    const added = await holdfast(`keys add ${file} --json`)
    const waiting = await holdfast(`keys status ${file}`)
    const between = JSON.parse(readFileSync(file, 'utf8'))
    await holdfast(`keys rotate ${file}`)

    const after = JSON.parse(readFileSync(file, 'utf8'))
    const { added: id } = JSON.parse(added.out)
    expect(between.current).toBe(before.current)
    expect(waiting.out).toMatch(new RegExp(`${id} .*waits`))
    expect([after.current, after.keys.length]).toEqual([id, 2])
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('who could read the file before can read it after a rotation', async () => {
    const file = join(folder(), 'ring.json')
    const link = join(folder(), 'link.json')
    await holdfast(`keys new ${file}`)
    chmodSync(file, 0o640)
    if (process.getuid?.() === 0) chownSync(file, 1_234, 2_345)
    symlinkSync(file, link)
    const { mode, uid, gid } = statSync(file)

    expect((await holdfast(`keys rotate ${link}`)).code).toBe(0)

    expect(statSync(file)).toMatchObject({ mode, uid, gid })
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(JSON.parse(readFileSync(file, 'utf8')).keys).toHaveLength(2)
    expect(readdirSync(dirname(file))).toEqual(['ring.json'])
  })

  test('status of a file that is no ring names what is wrong and not what is in it', async () => {
    const file = join(folder(), 'ring.json')
    writeFileSync(file, '{"format":1,"index":"sesame"}')

    const { code, err } = await holdfast(`keys status ${file} --json`)

    expect(code).toBe(1)
    expect(JSON.parse(err)).toMatchObject({ code: 'config_invalid' })
    expect(err).not.toContain('sesame')
  })
})

describe('signing keys', () => {
  test('new makes a file for its owner alone: two keys for each algorithm', async () => {
    const file = join(folder(), 'signing.json')

    const made = await holdfast(`keys new ${file} --signing --algorithms EdDSA,ES256`)
    const status = await holdfast('keys status --signing', { HOLDFAST_SIGNING_KEYS: file })

    const { keys } = JSON.parse(readFileSync(file, 'utf8'))
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(made.out).toContain(`${keys[0].kid} (EdDSA), ${keys[2].kid} (ES256)`)
    expect(status.out).toMatch(new RegExp(`${keys[1].kid} .*EdDSA .*waits since`))
    for (const { jwk } of keys) expect(made.out + status.out).not.toContain(jwk.d)
  })

  test('rotate waits until verifiers know the next key, unless told to act now', async () => {
    const file = join(folder(), 'signing.json')
    await holdfast(`keys new ${file} --signing`)
    const before = JSON.parse(readFileSync(file, 'utf8')).keys

    const early = await holdfast(`keys rotate ${file}`)
    const untouched = JSON.parse(readFileSync(file, 'utf8')).keys
    const now = await holdfast(`keys rotate ${file} --now --json`)

    expect(early.code).toBe(1)
    expect(early.err).toContain('verifiers may not know it yet')
    expect(untouched).toEqual(before)
    const states = JSON.parse(now.out).keys.map(({ kid, state }: { kid: string; state: string }) =>
      [kid, state].join(' '),
    )
    expect(states).toEqual([
      `${before[0].kid} retired`,
      `${before[1].kid} active`,
      expect.stringMatching(/ next$/),
    ])
  })

  test('add publishes a key for another algorithm; it signs after a rotation', async () => {
    const file = join(folder(), 'signing.json')
    await holdfast(`keys new ${file} --signing`)

    const nothing = await holdfast(`keys add ${file}`)
    const added = await holdfast(`keys add ${file} --algorithms RS256 --json`)
    const again = await holdfast(`keys add ${file} --algorithms RS256`)

    expect([nothing.code, added.code, again.code]).toEqual([2, 0, 1])
    expect(JSON.parse(added.out).keys.at(-1)).toMatchObject({ algorithm: 'RS256', state: 'next' })
  })

  test.each([
    ['keys new FILE --signing --algorithms HS256', 'EdDSA, ES256, RS256'],
    ['keys new FILE --algorithms ES256', '--signing'],
    ['keys new --signing', 'HOLDFAST_SIGNING_KEYS'],
  ])('a command line that cannot be meant is refused with a hint: %s', async (line, hint) => {
    const { code, err } = await holdfast(line.replace('FILE', join(folder(), 'keys.json')))

    expect(code).toBe(2)
    expect(err).toContain(hint)
  })
})

describe('config', () => {
  const env = { HOLDFAST_API_KEYS: `shop:app:${KEYS.app}` }

  test('check lists every problem at once', async () => {
    const { code, out } = await holdfast('config check', {
      ...env,
      HOLDFAST_POLICY: 'x',
      HOLDFAST_LISTN: 'y',
    })

    expect(code).toBe(1)
    expect(out).toContain('HOLDFAST_POLICY')
    expect(out).toContain('HOLDFAST_LISTEN')
  })

  test('check of a sound configuration is exit code 0', async () => {
    const { code, out } = await holdfast('config check --json', env)

    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ ok: true, problems: [] })
  })

  describe('check looks into the files that the configuration names', () => {
    const cases: readonly (readonly [string, Record<string, string>, string])[] = [
      [
        'a key ring that is not there',
        { HOLDFAST_KEYRING: '/nowhere/ring.json' },
        'cannot be read',
      ],
      ['a key ring that is none', { HOLDFAST_KEYRING: 'FILE' }, 'holds no key ring'],
      ['signing keys that are none', { HOLDFAST_SIGNING_KEYS: 'FILE' }, 'holds no signing keys'],
      ['places that are not there', { HOLDFAST_GEO_CITY: '/nowhere/city.mmdb' }, 'cannot be read'],
      ['places that are none', { HOLDFAST_GEO_CITY: 'FILE' }, 'is not a sound MMDB file'],
      ['networks that are places', { HOLDFAST_GEO_ASN: 'CITY' }, 'tells no autonomous systems'],
      ['networks that are none', { HOLDFAST_GEO_ASN: 'FILE' }, 'is not a sound MMDB file'],
    ]

    test.each(cases)('%s', async (_, named, problem) => {
      const file = join(folder(), 'file')
      writeFileSync(file, '{}')
      const [[variable = '', path = ''] = []] = Object.entries(named)

      const { code, out } = await holdfast('config check', {
        ...env,
        [variable]: path.replace('FILE', file).replace('CITY', cityFile()),
        HOLDFAST_POLICY: 'x',
      })

      expect(code).toBe(1)
      expect(out).toContain(`${variable} names a file that ${problem}`)
      expect(out).toContain('HOLDFAST_POLICY must be one of')
    })

    test('a list of networks with a line that is none', async () => {
      const file = join(folder(), 'offices.txt')
      writeFileSync(file, '192.0.2.0/24\nthe office in Oslo\n')

      const { code, out } = await holdfast('config check', {
        ...env,
        HOLDFAST_NETWORKS: `{ corporate: [${file}], tor: [/nowhere/tor.txt] }`,
      })

      expect(code).toBe(1)
      expect(out).toContain(`HOLDFAST_NETWORKS.corporate names a list of networks (${file})`)
      expect(out).toContain('has a line 2 that is no network')
      expect(out).toContain('HOLDFAST_NETWORKS.tor names a file that cannot be read')
    })

    test('an audience whose algorithm no key signs with', async () => {
      const file = join(folder(), 'signing.json')
      await holdfast(`keys new ${file} --signing`)

      const { code, out } = await holdfast('config check', {
        ...env,
        HOLDFAST_SIGNING_KEYS: file,
        HOLDFAST_AUDIENCES: '{ orders: {}, billing: { algorithm: ES256 } }',
      })

      expect(code).toBe(1)
      expect(out).toContain('HOLDFAST_AUDIENCES.billing needs a key for ES256')
      expect(out).not.toContain('orders')
    })

    test('and of sound files says that they are', async () => {
      const ring = join(folder(), 'ring.json')
      await holdfast(`keys new ${ring}`)

      const { code } = await holdfast('config check', {
        ...env,
        HOLDFAST_KEYRING: ring,
        HOLDFAST_GEO_CITY: cityFile(),
      })

      expect(code).toBe(0)
    })
  })

  test('print masks secrets', async () => {
    const { code, out } = await holdfast('config print', env)

    expect(code).toBe(0)
    expect(out).toContain('name: shop')
    expect(out).not.toContain(KEYS.app)
  })

  test('reference is Markdown about every setting', async () => {
    const { code, out } = await holdfast('config reference')

    expect(code).toBe(0)
    expect(out).toContain('# Configuration')
    expect(out).toContain('HOLDFAST_ROTATE_EVERY')
  })
})

describe('over the API', () => {
  async function login(run: Running): Promise<{ token: string; id: string }> {
    const answer = await run.call('POST', '/v1/sessions', {
      body: { ...LOGIN, request: atHome() },
    })
    const { token, session } = await answer.json()
    return { token, id: session.id }
  }

  const ask = (run: Running, args: string): Promise<Done> =>
    holdfast(args, { HOLDFAST_URL: run.service.url, HOLDFAST_KEY: KEYS.all })

  test('sessions are listed, shown and revoked', async () => {
    const run = await running()
    const { id } = await login(run)

    const listed = await ask(run, 'sessions list ada')
    const shown = await ask(run, `sessions show ${id} --json`)
    const revoked = await ask(run, `sessions revoke ${id} --reason stolen_laptop`)
    const gone = await ask(run, `sessions show ${id}`)
    const empty = await ask(run, 'sessions list ada --json')

    expect(listed.out).toContain(id)
    expect(JSON.parse(shown.out)).toMatchObject({ id, subject: 'ada' })
    expect(JSON.parse(shown.out)).not.toHaveProperty('formToken')
    expect(revoked.code).toBe(0)
    expect([gone.code, gone.err]).toEqual([1, 'holdfast: There is no such live session.\n'])
    expect(JSON.parse(empty.out).items).toEqual([])
  })

  test('a session id that begins with a dash is an id and no option', async () => {
    const run = await running()
    const id = `-${'A'.repeat(41)}A`

    const shown = await ask(run, `sessions show ${id} --json`)
    const revoked = await ask(run, `sessions revoke ${id} --reason stolen_laptop`)
    const except = await ask(run, `subjects revoke ada --except ${id}`)

    expect(shown.code).toBe(1)
    expect(JSON.parse(shown.err)).toMatchObject({ message: 'There is no such live session.' })
    expect(revoked.code).not.toBe(2)
    expect(except.err).toContain('is not a session of this subject')
  })

  test('a cursor that begins with a dash is a value, and what is missing is said', async () => {
    const run = await running()
    // The first byte tells that partitions 3 to 7 have moved: 0xf8, in base64url a dash.
    const cursor = encodeCursor(Array.from({ length: 64 }, (_, i) => (i > 2 && i < 8 ? 1 : 0)))

    const page = await ask(run, `events --after ${cursor}`)
    const refused = await ask(run, 'events --limit -50')
    const missing = await ask(run, 'events --after --json')

    expect(cursor).toMatch(/^-/)
    expect(page.err).toContain('does not reach back to that position')
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('limit')])
    expect(missing).toMatchObject({ code: 2, err: expect.stringContaining('--after') })
  })

  test('all sessions of a subject are ended but for one', async () => {
    const run = await running()
    const first = await login(run)
    await login(run)

    const { code } = await ask(run, `subjects revoke ada --except ${first.id}`)

    const left = JSON.parse((await ask(run, 'sessions list ada --json')).out)
    expect(code).toBe(0)
    expect(left.items.map(({ id }: { id: string }) => id)).toEqual([first.id])
  })

  test('explain tells contexts, decisions and the reason of each in a sentence', async () => {
    const run = await running()
    const { id, token } = await login(run)
    const judged = await run.call('POST', '/v1/verify', { body: { token, request: abroad() } })
    const { decision } = await judged.json()

    const { code, out } = await ask(run, `explain ${id}`)
    const json = JSON.parse((await ask(run, `explain ${id} --json`)).out)

    expect(code).toBe(0)
    expect(decision.because.length).toBeGreaterThan(0)
    for (const { reason, text } of decision.because) {
      expect(out).toContain(reason)
      expect(out).toContain(text)
    }
    expect(out).toContain('chrome on windows')
    expect(out).toContain('session-established')
    expect(json.session.contexts.length).toBeGreaterThan(0)
    expect(out + JSON.stringify(json)).not.toContain(token)
  })

  test('explain of a session that is over still tells its story', async () => {
    const run = await running()
    const { id, token } = await login(run)
    await run.call('POST', '/v1/logout', { body: { token } })

    const { code, out } = await ask(run, `explain ${id}`)
    const unknown = await ask(run, `explain ${'A'.repeat(43)}`)

    expect(code).toBe(0)
    expect(out).toContain('The session is over')
    expect(out).toContain('logout')
    expect(unknown.code).toBe(1)
  })

  test('events are filtered, and one line each in JSON', async () => {
    const run = await running()
    const { token } = await login(run)
    await run.call('POST', '/v1/logout', { body: { token } })

    const all = await ask(run, 'events --json')
    const some = await ask(run, 'events --type session-revoked --subject ada')
    const wrong = await ask(run, 'events --type party')

    const types = all.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).type)
    // What is about nobody may stand anywhere between.
    expect(types.filter((type) => type !== 'policy-changed')).toEqual([
      'session-established',
      'session-revoked',
    ])
    expect(types).toHaveLength(3)
    expect(some.out.trim().split('\n')).toHaveLength(1)
    expect(some.out).toContain('logout')
    expect([wrong.code, wrong.err.includes('type')]).toEqual([1, true])
  })

  test('the key may be in a file that the command line or a variable names', async () => {
    const run = await running()
    const file = join(folder(), 'key')
    writeFileSync(file, `${KEYS.all}\n`)
    const env = { HOLDFAST_URL: run.service.url }

    const named = await holdfast(`sessions list ada --key-file ${file}`, env)
    const counted = await holdfast(`sessions list ada --key-file ${file}`, {
      ...env,
      HOLDFAST_KEY: 'of nobody',
    })
    const variable = await holdfast('sessions list ada', { ...env, HOLDFAST_KEY_FILE: file })

    expect([named.code, counted.code, variable.code]).toEqual([0, 0, 0])
  })

  test.each([
    ['--key-file no-such-file', '--key-file names a file that cannot be read'],
    ['--key-file a --key b', '--key and --key-file are two keys'],
    ['', '--key-file FILE, HOLDFAST_KEY_FILE or HOLDFAST_KEY'],
  ])('"%s" is no key', async (options, hint) => {
    const { code, err } = await holdfast(`sessions list ada ${options}`)

    expect(code).toBe(2)
    expect(err).toContain(hint)
  })

  test('a service that is away and a wrong key exit with 1 and print no key', async () => {
    const run = await running()

    const away = await holdfast('sessions list ada', {
      HOLDFAST_URL: 'http://127.0.0.1:1',
      HOLDFAST_KEY: KEYS.all,
    })
    const wrong = await holdfast('events', {
      HOLDFAST_URL: run.service.url,
      HOLDFAST_KEY: `${KEYS.all}-x`,
    })

    expect([away.code, wrong.code]).toEqual([1, 1])
    expect(wrong.err).not.toContain(KEYS.all)
    expect(away.err).toContain('could not be reached')
  })
})

test('reseal moves every session under the new key; the old one is not needed', async () => {
  const dir = folder()
  const file = join(dir, 'ring.json')
  const store = { HOLDFAST_STORE: `lmdb:${dir}/store`, HOLDFAST_KEYRING: file }
  await holdfast(`keys new ${file}`)
  const first = await running(store)
  for (const subject of ['ada', 'eve']) {
    await first.call('POST', '/v1/sessions', { body: { ...LOGIN, subject, request: atHome() } })
  }
  await first.service.close()
  await holdfast(`keys rotate ${file}`)

  const { code, out } = await holdfast('reseal --json', {
    ...store,
    HOLDFAST_API_KEYS: `shop:app:${KEYS.app}`,
  })

  const ring = JSON.parse(readFileSync(file, 'utf8'))
  expect([code, JSON.parse(out)]).toEqual([
    0,
    // Of each subject a session, its attributes and its history; and the policy told of last.
    { read: 7, resealed: 7, unreadable: 0, current: ring.current },
  ])
  ring.keys.shift()
  writeFileSync(file, JSON.stringify(ring))
  const second = await running(store)
  const listed = await second.call('GET', '/v1/subjects/ada/sessions')
  expect((await listed.json()).items).toHaveLength(1)
  const login = await second.call('POST', '/v1/sessions', { body: { ...LOGIN, request: atHome() } })
  expect(login.status).toBe(201)
  expect((await second.call('GET', '/v1/events')).status).toBe(200)
  expect(second.log()).toContain('left out of the log')
})
