import type { Random } from './random.ts'

/** A share, with the bounds of its 95 % Wilson interval. */
export interface Share {
  readonly of: number
  readonly share: number
  readonly low: number
  readonly high: number
}

export function shareOf(count: number, of: number): Share {
  if (of === 0) return { of, share: Number.NaN, low: 0, high: 1 }
  const p = count / of
  const z2 = 1.96 ** 2
  const middle = (p + z2 / (2 * of)) / (1 + z2 / of)
  const half = (1.96 / (1 + z2 / of)) * Math.sqrt((p * (1 - p)) / of + z2 / (4 * of * of))
  return { of, share: p, low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

/** A mean over users, with a 95 % bootstrap interval. */
export interface Mean {
  readonly users: number
  readonly mean: number
  readonly low: number
  readonly high: number
}

const RESAMPLES = 400

/** Resamples users, not events: what happens to one of them is not independent. */
export function meanOf(values: readonly number[], rng: Random): Mean {
  const users = values.length
  if (users === 0) return { users, mean: Number.NaN, low: Number.NaN, high: Number.NaN }
  const mean = sum(values) / users
  const means = Array.from({ length: RESAMPLES }, () => {
    let total = 0
    for (let i = 0; i < users; i++) total += values[rng.below(users)] ?? 0
    return total / users
  })
  return { users, mean, low: quantile(means, 0.025), high: quantile(means, 0.975) }
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
