import { randomBytes } from 'node:crypto'
import { posix } from 'node:path'
import { formatKeyring, newKeyring } from '../../codecs/keyring.ts'
import { template } from '../package-files.ts'
import type { Choices } from './choices.ts'
import type { Project } from './project.ts'

/** A file of a new project. */
export interface NewFile {
  /** From the project's directory, with forward slashes. */
  readonly path: string
  readonly text: string
  /** What it is for, as the command prints it. */
  readonly about: string
  /** Readable by this user alone. */
  readonly secret?: boolean
}

/** Where key ring, store and demo password lie. Git must not take it. */
export const HOME = '.holdfast'

/** All files, with new secrets. */
export function filesOf(project: Project, choices: Choices): readonly NewFile[] {
  const { framework, carrier } = choices
  const source = (name: string, text: string, about: string): NewFile => ({
    path: sourcePath(project, name),
    text: inLanguage(project, text),
    about,
  })
  const needsPages = carrier === 'cookie'
  const needsBody = framework === 'node'
  return [
    source('sessions', sessionsText(choices), 'store, key ring and guards'),
    source('app', template(`${carrier}/${framework}`), 'login, a guarded route, a sensitive one'),
    source('users', template('users'), 'the login: yours to replace'),
    ...(needsPages ? [source('pages', template('pages'), 'two plain pages')] : []),
    ...(needsBody ? [source('body', template('body'), 'reads bodies, as node:http does not')] : []),
    source('server', serverText(choices), 'listens'),
    {
      path: `${HOME}/keyring.json`,
      text: formatKeyring(newKeyring()),
      about: 'seals everything: keep a copy where only you can read it',
      secret: true,
    },
    {
      path: `${HOME}/demo-password`,
      text: `${randomBytes(12).toString('base64url')}\n`,
      about: 'logs "demo" in until the login is yours',
      secret: true,
    },
  ]
}

export function sourcePath({ sources, ending }: Project, name: string): string {
  return posix.join(sources, 'session', `${name}.${ending}`)
}

/** TypeScript, as it is written there, or JavaScript. */
function inLanguage({ typescript, ending }: Project, text: string): string {
  if (typescript) return text
  return withoutTypes(text).replace(/(from '\.\/\w+)\.js'/g, `$1.${ending}'`)
}

/** The templates say their types where functions begin, and nowhere else. */
function withoutTypes(text: string): string {
  return text
    .replace(/^import type .*\n/gm, '')
    .replace(/, type \w+/g, '')
    .replace(
      /: (?:[a-z]+|IncomingMessage|ServerResponse|Promise<\w+>)(?: \| undefined)?(?=[,)]| \{$)/gm,
      (found) => (TYPES.test(found) ? '' : found),
    )
    .replace(/\bWeakMap<[^>]*>/g, 'WeakMap')
    .trimStart()
}

const TYPES = /^: (?:unknown|string|number|boolean|void|IncomingMessage|ServerResponse|Promise<)/

const STORE_TEXTS = {
  lmdb: {
    imports: "import { lmdbStore } from 'holdfast/lmdb'",
    store: "lmdbStore({ path: join(home, 'sessions') })",
  },
  redis: {
    imports: "import { redisStore } from 'holdfast/redis'",
    store: "redisStore({ url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' })",
  },
  memory: {
    imports: "import { memoryStore } from 'holdfast/memory'",
    store: 'memoryStore() // for trying out: every restart logs everybody out',
  },
} as const

function sessionsText({ framework, store, carrier }: Choices): string {
  const { imports, store: made } = STORE_TEXTS[store]
  const isNode = framework === 'node'
  const readsForms = isNode && carrier === 'cookie'
  const names = ['login', 'logout', 'refuse', 'requireSession', ...(isNode ? [] : ['sessionOf'])]
  const frameworkImport =
    carrier === 'bearer'
      ? `import { bearer, holdfast } from 'holdfast/${framework}'`
      : `import { holdfast } from 'holdfast/${framework}'`
  const holdfastImports = [frameworkImport, imports].sort((a, b) => (from(a) < from(b) ? -1 : 1))
  return `import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSessions, parseKeyring } from 'holdfast'
${holdfastImports.join('\n')}
${readsForms ? "import { formToken } from './body.js'\n" : ''}
/** Key ring and store. Git ignores it; keep a copy of the key ring where only you can read it. */
const home = process.env.SESSIONS_HOME ?? '${HOME}'

export const store = ${made}

export const sessions = createSessions({
  store,
  keyring: parseKeyring(readFileSync(join(home, 'keyring.json'), 'utf8')),
})

export const { ${names.join(', ')} } = holdfast(sessions, {
  ${carrier === 'bearer' ? 'carriers: [bearer()]' : "loginPage: '/login'"},
${readsForms ? '  formToken,\n' : ''}\
  // Behind a proxy say which one, or every client seems to come from the proxy:
  // address: { trust: { proxies: ['10.0.0.0/8'] } },
})
`
}

function from(line: string): string {
  return line.slice(line.indexOf(' from '))
}

function serverText({ framework }: Choices): string {
  const head = `import { app } from './app.js'

const port = Number(process.env.PORT ?? 3000)
`
  switch (framework) {
    case 'fastify':
      return `${head}
app.listen({ host: '127.0.0.1', port }).then((url) => {
  console.log(\`Listening at \${url}/\`)
})
`
    case 'hono':
      return `import { serve } from '@hono/node-server'
${head}
serve({ fetch: app.fetch, hostname: '127.0.0.1', port }, () => {
  console.log(\`Listening at http://127.0.0.1:\${port}/\`)
})
`
    default:
      return `${head}
app.listen(port, '127.0.0.1', () => {
  console.log(\`Listening at http://127.0.0.1:\${port}/\`)
})
`
  }
}
