/** Days after which a key should have been rotated. */
export const MOST_KEY_DAYS = { signing: 90, sealing: 400 } as const
