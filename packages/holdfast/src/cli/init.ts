import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { makeFolder } from '../stores/local/make-folder.ts'
import { type Asked, type Command, EXIT, UsageError } from './command.ts'
import { CARRIERS, type Choices, FRAMEWORKS, packagesOf, STORES } from './new-project/choices.ts'
import { filesOf, HOME, type NewFile, sourcePath } from './new-project/files.ts'
import { missingPackages, type Project, projectIn } from './new-project/project.ts'
import { choose } from './new-project/questions.ts'
import { ignoreHome, writeFiles } from './new-project/write.ts'

/** The command that puts sessions into a project, new or not. */
export const initCommands: readonly Command[] = [
  {
    name: 'init',
    about: 'Write sessions, a login stub and guarded routes into a project',
    usage: '',
    details:
      'Asks for what is not said, or takes the defaults with --yes. Writes a folder "session" ' +
      '(below src, where there\n' +
      'is one) in TypeScript or JavaScript, as the project is, and .holdfast with a new key ' +
      'and the password of the user\n' +
      '"demo", which .gitignore gets a line for. Never replaces a file: where one of them is ' +
      'there, it names it and\n' +
      'writes nothing.',
    options: {
      framework: {
        type: 'string',
        value: 'NAME',
        about: `${FRAMEWORKS.join(', ')} (default: the one that the project depends on)`,
      },
      store: { type: 'string', value: 'NAME', about: `${STORES.join(', ')} (default lmdb)` },
      carrier: {
        type: 'string',
        value: 'NAME',
        about: `${CARRIERS.join(', ')}: how tokens travel (default cookie)`,
      },
      dir: { type: 'string', value: 'DIR', about: 'The project (default: this directory)' },
      yes: { type: 'boolean', short: 'y', about: 'Ask nothing' },
    },
    arguments: [0, 0],
    examples: [
      'holdfast init',
      'holdfast init --yes --framework fastify --store redis --dir my-app',
    ],
    async run(asked) {
      const named = asked.text('dir') ?? '.'
      const directory = resolve(named)
      const project = projectIn(directory)
      const { framework } = project
      const said = (name: keyof Choices): string | undefined => asked.text(name)
      const choices = asked.flag('yes')
        ? await choose({ said, framework, ask: async () => '' })
        : await atTerminal((ask) => choose({ said, framework, ask }))
      const files = filesOf(project, choices)
      makeFolder(directory)
      writeFiles(directory, files)
      const ignored = ignoreHome(directory)
      tell(asked, { named, project, choices, files, ignored })
      return EXIT.done
    },
  },
]

type Ask = (question: string) => Promise<string>

/** Asks at the terminal, on standard error; where there is none, `use` gets undefined. */
async function atTerminal<Result>(use: (ask: Ask | undefined) => Promise<Result>): Promise<Result> {
  if (process.stdin.isTTY !== true) return use(undefined)
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const answers = lines[Symbol.asyncIterator]()
  try {
    return await use(async (question) => {
      lines.setPrompt(question)
      lines.prompt()
      const { value, done } = await answers.next()
      if (done === true) throw new UsageError('No answer came. Nothing was written.')
      return value
    })
  } finally {
    lines.close()
  }
}

interface Written {
  /** The directory, as the person wrote it. */
  readonly named: string
  readonly project: Project
  readonly choices: Choices
  readonly files: readonly NewFile[]
  readonly ignored: boolean
}

function tell({ out }: Asked, { named, project, choices, files, ignored }: Written): void {
  const { directory } = project
  const missing = missingPackages(directory, ['holdfast', ...packagesOf(choices)])
  const server = sourcePath(project, 'server')
  const width = Math.max(...files.map(({ path }) => path.length))
  out.line(`Wrote into ${named === '.' ? 'this directory' : named}:\n`)
  for (const { path, about } of files) out.line(`  ${path.padEnd(width)}  ${about}`)
  if (ignored) out.line(`  ${'.gitignore'.padEnd(width)}  has a line for ${HOME}/`)
  out.line(`\nNext, in that directory:\n`)
  for (const line of nextLines(project, choices, { missing, server })) out.line(`  ${line}`)
  out.value({ directory, ...choices, files: files.map(({ path }) => path), missing, server })
}

function nextLines(
  { typescript }: Project,
  { carrier, store }: Choices,
  { missing, server }: { readonly missing: readonly string[]; readonly server: string },
): readonly string[] {
  const isCookie = carrier === 'cookie'
  return [
    ...(missing.length === 0 ? [] : [`npm install ${missing.join(' ')}`]),
    ...(store === 'redis' ? ['redis-server   # or set REDIS_URL'] : []),
    typescript ? `compile ${server} with the rest of the project, and run it` : `node ${server}`,
    isCookie
      ? 'open http://127.0.0.1:3000/ and log in as demo, with the password in ' +
        `${HOME}/demo-password`
      : `POST {"name": "demo", "password": "..."} to http://127.0.0.1:3000/login; ` +
        `the password is in ${HOME}/demo-password`,
    'then put your own login into session/users, and guard your own routes as session/app does',
  ]
}
