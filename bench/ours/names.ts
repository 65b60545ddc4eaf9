export type StoreName = 'memory' | 'LMDB' | 'Redis' | 'Redis (node-redis)'

export const ON_COPIES = 'local copies'

export function oursOn(store: StoreName | typeof ON_COPIES): string {
  return `ours on ${store}`
}

/** As {@link oursOn}, from another network than the last time at every call. */
export function changedOn(store: StoreName): string {
  return `${oursOn(store)}, changed`
}

export const FORGERY = 'ours, a forged token refused'

export const NO_ATTRIBUTES = 'no attributes'
export const ATTRIBUTES_UNREAD = 'attributes unread'
export const ATTRIBUTES_READ = 'attributes read'
