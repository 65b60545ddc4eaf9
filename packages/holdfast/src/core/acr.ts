/**
 * Whether an authentication context is the wanted one or, by the configured order, a better one.
 */
export function acrMet(have: string | null, want: string, order: readonly string[]): boolean {
  if (have === want) return true
  const rank = have === null ? -1 : order.indexOf(have)
  const least = order.indexOf(want)
  return rank >= 0 && least >= 0 && rank >= least
}
