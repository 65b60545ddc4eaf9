import type { Block } from './pools.ts'

/** Nearest first. Flat geometry is enough to order by. */
export function nearest(blocks: readonly Block[], to: Block): readonly Block[] {
  const orders = sorted.get(blocks) ?? new Map<Block, readonly Block[]>()
  sorted.set(blocks, orders)
  const known = orders.get(to)
  if (known !== undefined) return known
  const far = (block: Block): number => degreesBetween(block, to)
  const order = [...blocks].sort((a, b) => far(a) - far(b) || (a.net < b.net ? -1 : 1))
  orders.set(to, order)
  return order
}

const sorted = new WeakMap<readonly Block[], Map<Block, readonly Block[]>>()

export function degreesBetween(a: Block, b: Block): number {
  const east = Math.abs(a.longitude - b.longitude)
  const scale = Math.cos((b.latitude * Math.PI) / 180)
  return Math.hypot(a.latitude - b.latitude, Math.min(east, 360 - east) * scale)
}
