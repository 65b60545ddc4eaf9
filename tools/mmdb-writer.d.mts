export type MmdbValue =
  | string
  | number
  | boolean
  | readonly MmdbValue[]
  | { readonly [key: string]: MmdbValue }

export interface MmdbWriter {
  add(network: { readonly words: readonly number[]; readonly bits: number }, value: MmdbValue): void
  finish(): Buffer
}

export function mmdbWriter(options: {
  readonly type: string
  readonly family?: 4 | 6
  readonly recordSize?: 24 | 28 | 32
  readonly builtAt?: number
}): MmdbWriter
