/**
 * Whether `one` of some choices is meant by the words of `--only`. Where none of the choices is
 * named, all of them are.
 */
export function among<T extends string>(
  only: readonly string[],
  choices: readonly T[],
  one: T,
): boolean {
  const named = choices.filter((choice) => only.includes(choice.toLowerCase()))
  return named.length === 0 || named.includes(one)
}
