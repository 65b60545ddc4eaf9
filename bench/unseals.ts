import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

/** How many records this process unseals meanwhile, by whatever code. */
export async function unsealsDuring(work: () => Promise<unknown>): Promise<number> {
  const { createDecipheriv } = crypto
  let count = 0
  replace(((...all: Parameters<typeof createDecipheriv>) => {
    count++
    return createDecipheriv(...all)
  }) as typeof createDecipheriv)
  try {
    await work()
  } finally {
    replace(createDecipheriv)
  }
  return count
}

function replace(createDecipheriv: typeof crypto.createDecipheriv): void {
  Object.assign(crypto, { createDecipheriv })
  syncBuiltinESMExports()
}
