import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { CARRIERS, FRAMEWORKS } from '../../src/cli/new-project/choices.ts'
import { choose } from '../../src/cli/new-project/questions.ts'
import type { Application } from '../../src/testing/application.ts'
import { visitor } from '../../src/testing/person.ts'
import { holdfast } from './holdfast.ts'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))

/** Below the workspace, whose packages the written files import. */
mkdirSync(join(ROOT, '.cache'), { recursive: true })
const BASE = mkdtempSync(join(ROOT, '.cache', 'init-'))
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(BASE, { recursive: true, force: true })
})

/** A new directory with these files. */
function directory(files: Readonly<Record<string, string>> = {}): string {
  const made = mkdtempSync(join(BASE, 'project-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(made, name)), { recursive: true })
    writeFileSync(join(made, name), text)
  }
  return made
}

const LANGUAGES = {
  typescript: { 'tsconfig.json': '{}', 'package.json': '{ "type": "module" }' },
  javascript: { 'package.json': '{ "type": "module" }' },
  'javascript of no declared kind': {},
} as const

const PROJECTS = FRAMEWORKS.flatMap((framework) =>
  CARRIERS.flatMap((carrier) =>
    Object.entries(LANGUAGES).map(
      ([language, files]) => [framework, carrier, language, files] as const,
    ),
  ),
)

/** The written application. Each project is a module of its own. */
async function appOf(made: string): Promise<Application> {
  vi.stubEnv('SESSIONS_HOME', join(made, '.holdfast'))
  const [file = ''] = readdirSync(join(made, 'session')).filter((name) => name.startsWith('app.'))
  const { app } = await import(join(made, 'session', file))
  return typeof app.callback === 'function' ? app.callback() : app
}

function passwordOf(made: string): string {
  return readFileSync(join(made, '.holdfast', 'demo-password'), 'utf8').trim()
}

describe.each(PROJECTS)('a project on %s with a %s in %s', (framework, carrier, _, files) => {
  test('logs in, reaches the guarded route, and is refused without a session', async () => {
    const made = directory(files)
    const store = framework === 'express' ? 'lmdb' : 'memory'
    const choices = `--framework ${framework} --carrier ${carrier} --store ${store}`
    const { code, err } = await holdfast(`init ${choices} --dir ${made}`)
    expect([code, err]).toEqual([0, ''])
    const app = await appOf(made)
    const password = passwordOf(made)

    if (carrier === 'cookie') await drivePages(app, password)
    else await driveApi(app, password)
  })
})

async function drivePages(app: Application, password: string): Promise<void> {
  const demo = visitor(app)
  const guest = await demo.visit('/')
  expect([guest.status, guest.headers.get('location')]).toEqual([303, '/login?return=%2F'])
  expect((await demo.get('/')).status).toBe(401)
  const wrong = new URLSearchParams({ name: 'demo', password: 'difference-engine' })
  expect((await demo.post('/login', wrong)).status).toBe(401)

  const right = await demo.post(
    '/login?return=%2F',
    new URLSearchParams({ name: 'demo', password }),
  )
  expect([right.status, right.headers.get('location')]).toEqual([303, '/'])
  const home = await (await demo.visit('/')).text()
  expect(home).toContain('Hello demo.')

  const [, _form = ''] = /name="_form" value="([^"]+)"/.exec(home) ?? []
  const order = new URLSearchParams({ item: 'tea', _form })
  const stolen = await demo.thief().post('/orders', order)
  const ordered = await demo.post('/orders', order)
  expect([stolen.status, ordered.status]).toEqual([401, 201])
  expect(await ordered.json()).toEqual({ buyer: 'demo', item: 'tea' })
  expect((await demo.post('/orders', new URLSearchParams({ item: 'tea' }))).status).toBe(403)

  const copy = demo.thief({ address: demo.address })
  expect((await demo.post('/logout', new URLSearchParams({ _form }))).status).toBe(303)
  expect((await demo.get('/')).status).toBe(401)
  expect((await copy.get('/')).status).toBe(401)
}

async function driveApi(app: Application, password: string): Promise<void> {
  const demo = visitor(app)
  expect((await demo.get('/')).status).toBe(401)
  expect((await demo.post('/login', { name: 'demo', password: 'x' })).status).toBe(401)
  expect((await demo.post('/login', 'no JSON at all')).status).toBeOneOf([400, 401, 415])

  const { token } = await (await demo.post('/login', { name: 'demo', password })).json()
  const headers = { authorization: `Bearer ${token}` }
  expect(await (await demo.get('/', headers)).json()).toEqual({ user: 'demo' })

  const stolen = await demo.thief().post('/orders', { item: 'tea' }, headers)
  const ordered = await demo.post('/orders', { item: 'tea' }, headers)
  expect([stolen.status, ordered.status]).toEqual([401, 201])
  expect(await ordered.json()).toEqual({ buyer: 'demo', item: 'tea' })

  expect((await demo.post('/logout', {}, headers)).status).toBe(204)
  expect((await demo.get('/', headers)).status).toBe(401)
}

test('all that is written compiles under strict, whatever is chosen', async () => {
  for (const framework of FRAMEWORKS) {
    for (const carrier of CARRIERS) {
      for (const store of ['lmdb', 'redis', 'memory']) {
        const made = directory(LANGUAGES.typescript)
        const choices = `--framework ${framework} --carrier ${carrier} --store ${store}`
        await holdfast(`init ${choices} --dir ${made}`)
      }
    }
  }
  const tsconfig = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: { paths: rootPaths(), allowImportingTsExtensions: false },
    include: ['project-*/session/*.ts'],
  }
  writeFileSync(join(BASE, 'tsconfig.json'), JSON.stringify(tsconfig))

  const tsc = join(
    dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin/tsc',
  )
  const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', BASE, '--pretty', 'false'], {
    encoding: 'utf8',
  })

  expect([status, stdout]).toEqual([0, ''])
})

function rootPaths(): Readonly<Record<string, readonly string[]>> {
  const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8'))
  const paths: Readonly<Record<string, readonly string[]>> = compilerOptions.paths
  return Object.fromEntries(
    Object.entries(paths).map(([name, files]) => [name, files.map((file) => join(ROOT, file))]),
  )
}

describe('what is written', () => {
  test('keeps its secrets to this user, and out of git', async () => {
    const made = directory({ '.gitignore': 'node_modules/' })

    await holdfast(`init --yes --dir ${made}`)

    const modeOf = (name: string): number => statSync(join(made, name)).mode & 0o777
    expect(['.holdfast', '.holdfast/keyring.json', '.holdfast/demo-password'].map(modeOf)).toEqual([
      0o700, 0o600, 0o600,
    ])
    expect(readFileSync(join(made, '.gitignore'), 'utf8')).toBe('node_modules/\n.holdfast/\n')
  })

  test('has a password and a key of its own each time', async () => {
    const [one, another] = [directory(), directory()]
    for (const made of [one, another]) await holdfast(`init --yes --dir ${made}`)

    const secretsOf = (made: string): readonly string[] =>
      ['keyring.json', 'demo-password'].map((name) =>
        readFileSync(join(made, '.holdfast', name), 'utf8'),
      )
    const all = new Set([...secretsOf(one), ...secretsOf(another)])
    expect(all.size).toBe(4)
  })

  test('never replaces a file, and then writes none', async () => {
    const mine = { 'session/app.mjs': 'mine', 'session/pages.mjs': 'mine, too' }
    const made = directory(mine)

    const { code, err } = await holdfast(`init --yes --dir ${made}`)

    expect(code).toBe(1)
    expect(err).toContain('session/app.mjs, session/pages.mjs')
    expect(readdirSync(made)).toEqual(['session'])
    expect(readdirSync(join(made, 'session')).sort()).toEqual(['app.mjs', 'pages.mjs'])
    expect(readFileSync(join(made, 'session', 'app.mjs'), 'utf8')).toBe('mine')
  })

  test('keeps the key ring of a project that has one', async () => {
    const made = directory()
    await holdfast(`init --yes --dir ${made}`)
    const before = readFileSync(join(made, '.holdfast', 'keyring.json'), 'utf8')
    rmSync(join(made, 'session'), { recursive: true })

    const { code, err } = await holdfast(`init --yes --dir ${made}`)

    expect([code, existsSync(join(made, 'session'))]).toEqual([1, false])
    expect(err).toContain('.holdfast/keyring.json')
    expect(readFileSync(join(made, '.holdfast', 'keyring.json'), 'utf8')).toBe(before)
  })

  test('has one line in .gitignore, which may be there already', async () => {
    const made = directory({ '.gitignore': '/.holdfast\n' })

    await holdfast(`init --yes --dir ${made}`)

    expect(readFileSync(join(made, '.gitignore'), 'utf8')).toBe('/.holdfast\n')
  })

  test('goes below src where there is one, with the framework of the project', async () => {
    const manifest = {
      type: 'module',
      dependencies: { fastify: '^5' },
      devDependencies: { typescript: '^6' },
    }
    const made = directory({ 'src/index.ts': '', 'package.json': JSON.stringify(manifest) })

    const { out } = await holdfast(`init --yes --json --dir ${made}`)

    expect(JSON.parse(out)).toMatchObject({
      framework: 'fastify',
      store: 'lmdb',
      carrier: 'cookie',
      server: 'src/session/server.ts',
    })
    expect(readFileSync(join(made, 'src/session/app.ts'), 'utf8')).toContain("from 'fastify'")
  })

  test('comes into a directory that is not there yet', async () => {
    const made = join(directory(), 'new', 'project')

    const { code, out } = await holdfast(`init --yes --dir ${made}`)

    expect(code).toBe(0)
    expect(out).toContain('node session/server.mjs')
    expect(existsSync(join(made, 'session', 'server.mjs'))).toBe(true)
  })
})

describe('a person at a terminal', () => {
  test('is asked for what was not said, and takes the default with an empty answer', async () => {
    const questions: string[] = []
    const answers = ['node', '']

    const choices = await choose({
      said: (name) => (name === 'carrier' ? 'bearer' : undefined),
      framework: 'fastify',
      async ask(question) {
        questions.push(question)
        return answers.shift() ?? ''
      },
    })

    expect(choices).toEqual({ framework: 'node', store: 'lmdb', carrier: 'bearer' })
    expect(questions).toEqual([
      'Which framework? express, [fastify], hono, koa, node: ',
      'Where are sessions kept? [lmdb], redis, memory: ',
    ])
  })

  test('is told what an answer may be', async () => {
    const asked = choose({ said: () => undefined, framework: undefined, ask: async () => 'expres' })

    await expect(asked).rejects.toThrow('Did you mean express?')
  })
})

describe('a wrong command line', () => {
  test.each([
    ['--framework expres --yes', 'Did you mean express?'],
    ['--store mongo --yes', '--store is one of lmdb, redis, memory.'],
    ['--carrier cookies --yes', 'Did you mean cookie?'],
    ['--framework express', 'Say --store, --carrier, or --yes'],
  ])('"%s" says what to write, and writes nothing', async (options, hint) => {
    const made = directory()

    const { code, err } = await holdfast(`init ${options} --dir ${made}`)

    expect(code).toBe(2)
    expect(err).toContain(hint)
    expect(readdirSync(made)).toEqual([])
  })

  test('a package.json that cannot be read is named', async () => {
    const made = directory({ 'package.json': '{' })

    const { code, err } = await holdfast(`init --yes --dir ${made}`)

    expect(code).toBe(1)
    expect(err).toContain('package.json cannot be read')
  })
})
