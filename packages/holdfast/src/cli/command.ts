/** Exit codes of every command. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const

/** One command: what its help says and what it does. */
export interface Command {
  /** As it is typed, for example `sessions list`. */
  readonly name: string
  /** One line for the list of commands. */
  readonly about: string
  /** What comes after the name, for example `<session id>`. */
  readonly usage: string
  /** What the help says beyond that. */
  readonly details?: string
  readonly options: Readonly<Record<string, Option>>
  /** Least and most arguments besides options. */
  readonly arguments: readonly [number, number]
  readonly examples: readonly string[]
  run(asked: Asked): Promise<number>
}

/** An option of a command line. */
export interface Option {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** Placeholder of its value in the help. */
  readonly value?: string
  readonly about: string
}

/** A command line, parsed. */
export interface Asked {
  readonly arguments: readonly string[]
  text(option: string): string | undefined
  flag(option: string): boolean
  readonly env: Readonly<Record<string, string | undefined>>
  readonly out: Output
}

/** Where a command writes. */
export interface Output {
  readonly json: boolean
  /** A line for people, on standard output; nothing with `--json`. */
  line(text: string): void
  /**
   * A value for programs: one JSON document, or one JSON line of a stream; nothing without
   * `--json`.
   */
  value(value: unknown): void
  /** To standard error, always. */
  note(text: string): void
}

/** The command line was wrong: exit code 2, with a hint at the help. */
export class UsageError extends Error {}

/** What every command takes. */
export const COMMON_OPTIONS: Readonly<Record<string, Option>> = {
  json: { type: 'boolean', about: 'Answer in JSON' },
  help: { type: 'boolean', short: 'h', about: 'Show this help' },
}
