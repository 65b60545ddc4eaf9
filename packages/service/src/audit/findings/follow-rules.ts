import { type FollowedFile, followFile } from '../../main/followed-file.ts'
import type { Rule } from './rule.ts'
import { rulesIn, rulesOf } from './rules-file.ts'

/** Who hears of a file of rules. */
export interface RulesFollowing {
  readonly everyMs: number
  changed(rules: readonly Rule[]): void
  /**
   * Once for each state of the file that cannot be used, with field and line. The rules before it
   * stay in force.
   */
  failed(error: unknown): void
}

/**
 * The rules of a file, which are taken up when it changes. Throws `config_invalid` where it is
 * wrong from the start: a service does not begin without the rules that it was given.
 */
export function followRules(
  path: string,
  { everyMs, changed, failed }: RulesFollowing,
): FollowedFile<readonly Rule[]> {
  return followFile(rulesIn(path), {
    path,
    everyMs,
    parse: (text) => rulesOf(text, path),
    format: (rules) => JSON.stringify(rules),
    check() {},
    changed,
    failed,
  })
}
