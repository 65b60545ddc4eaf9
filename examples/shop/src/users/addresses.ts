/** Where parcels go. */
export interface Address {
  readonly name: string
  readonly street: string
  readonly note: string
}

/** Each customer's address: a table in memory, in a real shop a database. */
export interface Addresses {
  of(user: string): Address | undefined
  keep(user: string, address: Address): void
}

export function addresses(): Addresses {
  const rows = new Map<string, Address>()
  return {
    of: (user) => rows.get(user),
    keep: (user, address) => void rows.set(user, address),
  }
}
