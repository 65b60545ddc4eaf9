import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { SessionError } from '../core/errors.ts'
import { isSessionId } from '../core/ids.ts'
import { nearest } from '../core/nearest.ts'
import {
  type Asked,
  COMMON_OPTIONS,
  type Command,
  EXIT,
  type Output,
  UsageError,
} from './command.ts'
import { helpOf, overview } from './help.ts'
import { inertJson } from './table.ts'

/** What a program stands in. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
}

/** A program: its commands, and which it is. */
export interface Program {
  /** Every command, in the order of the help. */
  readonly commands: readonly Command[]
  /** The package.json that says the version. */
  readonly manifest: URL
  /** Where commands are that this program does not have. */
  readonly more?: string
  /** The variables that count. Default: all. */
  readonly variables?: (env: Surroundings['env']) => Surroundings['env']
}

/**
 * Runs one command line. Never rejects: everything that goes wrong is an exit code and a line on
 * standard error.
 */
export async function runCommand(
  { commands, manifest, more, variables = (env) => env }: Program,
  args: readonly string[],
  surroundings: Surroundings = OF_THE_PROCESS,
): Promise<number> {
  const { stdout, stderr } = surroundings
  const json = args.includes('--json')
  try {
    if (VERSION.includes(args[0] ?? '')) {
      const version = versionIn(manifest)
      stdout(json ? `${JSON.stringify({ version })}\n` : `holdfast ${version}\n`)
      return EXIT.done
    }
    const command = commandOf(commands, args)
    if (command === undefined) {
      const group = commands.filter(({ name }) => name.startsWith(`${args[0]} `))
      if (group.length > 0 && HELP.includes(args[1] ?? '')) {
        stdout(overview(group))
        return EXIT.done
      }
      const asked = args.length === 0 || args.every((arg) => HELP.includes(arg))
      if (!asked) throw new UsageError(unknownCommand(commands, args, more))
      stdout(overview(commands, more))
      return args.length === 0 ? EXIT.usage : EXIT.done
    }
    const rest = args.slice(command.name.split(' ').length)
    if (rest.includes('--help') || rest.includes('-h')) {
      stdout(helpOf(command))
      return EXIT.done
    }
    const given = { ...surroundings, env: variables(surroundings.env) }
    return await command.run(parse(command, rest, given))
  } catch (error) {
    if (error instanceof UsageError) {
      stderr(`holdfast: ${error.message}\n`)
      return EXIT.usage
    }
    const code = error instanceof SessionError ? error.code : 'internal_error'
    const message = error instanceof Error ? error.message : String(error)
    stderr(json ? `${JSON.stringify({ code, message })}\n` : `holdfast: ${message}\n`)
    return EXIT.failed
  }
}

const VERSION = ['--version', '-V']
const HELP = ['--help', '-h', 'help', '--json']

const OF_THE_PROCESS: Surroundings = {
  env: process.env,
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
}

function versionIn(path: URL): string {
  const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'))
  const known = typeof manifest === 'object' && manifest !== null && 'version' in manifest
  return known ? String(manifest.version) : 'of an unknown version'
}

/** Command names are one word or two; two words are tried first. */
function commandOf(
  commands: readonly Command[],
  [first = '', second = '']: readonly string[],
): Command | undefined {
  return (
    commands.find(({ name }) => name === `${first} ${second}`) ??
    commands.find(({ name }) => name === first)
  )
}

function unknownCommand(
  commands: readonly Command[],
  args: readonly string[],
  more: string | undefined,
): string {
  const words = args.filter((arg) => !arg.startsWith('-')).slice(0, 2)
  const family = commands.filter(({ name }) => name.split(' ')[0] === words[0])
  if (family.length > 0) {
    const names = family.map(({ name }) => `"holdfast ${name}"`).join(', ')
    return `"${words[0]}" needs more: ${names}.`
  }
  const meant = nearest(
    words.join(' '),
    commands.map(({ name }) => name),
  )
  if (meant !== undefined) return `There is no such command. Did you mean "holdfast ${meant}"?`
  return `There is no such command. ${more ?? '"holdfast --help" lists all.'}`
}

function parse(
  command: Command,
  args: readonly string[],
  { env, stdout, stderr }: Surroundings,
): Asked {
  const options = { ...command.options, ...COMMON_OPTIONS }
  let parsed: ReturnType<typeof parseArgs>
  try {
    parsed = parseArgs({
      args: dashesProtected(args, options),
      options,
      allowPositionals: true,
      strict: true,
    })
  } catch (error) {
    throw new UsageError(optionProblem(error, command, Object.keys(options)))
  }
  const [least, most] = command.arguments
  const { values, positionals } = parsed
  if (positionals.length < least || positionals.length > most) {
    throw new UsageError(
      `"${command.name}" takes ${command.usage === '' ? 'no arguments' : command.usage}. ` +
        `See "holdfast ${command.name} --help".`,
    )
  }
  return {
    arguments: positionals,
    text(option) {
      const value = values[option]
      return typeof value === 'string' ? value : undefined
    },
    flag: (option) => values[option] === true,
    env,
    out: output(values.json === true, stdout, stderr),
  }
}

/** One session id or cursor in 64 begins with a dash, and is no option for it. */
function dashesProtected(args: readonly string[], options: Command['options']): string[] {
  const plain: string[] = []
  const ids: string[] = []
  for (const arg of args) {
    const before = plain.at(-1) ?? ''
    const asked = before.startsWith('--') && options[before.slice(2)]?.type === 'string'
    if (asked && (isSessionId(arg) || /^-[^-]./.test(arg))) plain[plain.length - 1] += `=${arg}`
    else if (arg.startsWith('-') && isSessionId(arg)) ids.push(arg)
    else plain.push(arg)
  }
  return ids.length === 0 ? plain : [...plain, '--', ...ids]
}

/** Names the option, never a value: it may be a key. */
function optionProblem(error: unknown, { name }: Command, known: readonly string[]): string {
  const option =
    error instanceof Error ? /'(?:-\w, )?(--?[\w-]+)/.exec(error.message)?.[1] : undefined
  const hint = `See "holdfast ${name} --help".`
  if (option === undefined) return `The options cannot be read. ${hint}`
  const bare = option.replace(/^-+/, '')
  if (known.includes(bare)) return `${option} is given in a wrong way. ${hint}`
  const meant = nearest(bare, known)
  return meant === undefined
    ? `There is no option ${option}. ${hint}`
    : `There is no option ${option}. Did you mean --${meant}?`
}

function output(
  json: boolean,
  stdout: (text: string) => void,
  stderr: (text: string) => void,
): Output {
  return {
    json,
    line: (text) => {
      if (!json) stdout(`${text}\n`)
    },
    value: (value) => {
      if (json) stdout(`${inertJson(value)}\n`)
    },
    note: (text) => stderr(`${text}\n`),
  }
}
