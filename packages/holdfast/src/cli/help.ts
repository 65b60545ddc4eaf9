import { COMMON_OPTIONS, type Command, type Option } from './command.ts'

/** The help of the whole program, or of a group of its commands. `more`: where others are. */
export function overview(commands: readonly Command[], more?: string): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  return `${[
    'holdfast: session security for microservices',
    '',
    'Usage: holdfast <command> [options]',
    '',
    'Commands:',
    ...commands.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`),
    '',
    '"holdfast <command> --help" explains one. Every command takes --json.\n' +
      '"holdfast --version" says which this is.',
    ...(more === undefined ? [] : [more]),
    '',
    EXIT_CODES,
  ].join('\n')}\n`
}

/** The help of one command. */
export function helpOf({ name, about, usage, details, options, examples }: Command): string {
  const all = Object.entries({ ...options, ...COMMON_OPTIONS })
  const width = Math.max(...all.map(([option, facts]) => spelling(option, facts).length))
  return `${[
    `holdfast ${name}: ${about}`,
    '',
    `Usage: holdfast ${[name, usage, '[options]'].filter((part) => part !== '').join(' ')}`,
    ...(details === undefined ? [] : ['', details]),
    '',
    'Options:',
    ...all.map(([option, facts]) => `  ${spelling(option, facts).padEnd(width)}  ${facts.about}`),
    '',
    'Examples:',
    ...examples.map((example) => `  ${example}`),
    '',
    EXIT_CODES,
  ].join('\n')}\n`
}

const EXIT_CODES = 'Exit codes: 0 done, 1 it could not be done, 2 the command line was wrong.'

function spelling(option: string, { short, value }: Option): string {
  const long = value === undefined ? `--${option}` : `--${option} ${value}`
  return short === undefined ? `    ${long}` : `-${short}, ${long}`
}
