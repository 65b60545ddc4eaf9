import type { Share } from './summary.ts'

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

/** The 95 % interval of a share, in percent. */
export function range({ low, high }: Pick<Share, 'low' | 'high'>): string {
  return `${(low * 100).toFixed(1)}-${(high * 100).toFixed(1)}`
}
