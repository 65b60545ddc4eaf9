import type { z } from 'zod'

/**
 * How the text of an environment variable becomes the value that the schema reads: as it is, a
 * number, a comma-separated list, API keys, or YAML in one line for what has structure.
 */
export type Reading = 'text' | 'number' | 'list' | 'keys' | 'yaml'

/** The description of each setting, for the reference, `config check` and `config print`. */
export interface SettingFacts {
  /** What it is for, one or two sentences. */
  readonly about: string
  /** A value that is right; shown as the fix of a wrong one. */
  readonly example: string
  readonly reading: Reading
  /** Masked when printed; also read from the file that `<VARIABLE>_FILE` names. */
  readonly secret?: boolean
}

/** A setting: the type of its values, with its description. */
export function setting<T extends z.ZodType>(type: T, facts: SettingFacts): T {
  return type.meta({ ...facts })
}
