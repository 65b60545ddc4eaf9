import type { NetworkKind } from './request.ts'

/** What geo and ASN data say of an address. Absent: the data has no answer. */
export interface LookupResult {
  readonly asn?: number
  readonly organisation?: string
  readonly kind?: NetworkKind
  /** ISO 3166-1 alpha-2. */
  readonly country?: string
  readonly city?: string
  readonly latitude?: number
  readonly longitude?: number
  /** 67 % radius, km. */
  readonly radiusKm?: number
}

/**
 * Synchronous; loading and reloading the data is the caller's business. Undefined: nothing is
 * known.
 */
export type Lookup = (address: string) => LookupResult | undefined
