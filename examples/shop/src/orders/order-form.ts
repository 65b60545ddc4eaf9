import { findProduct } from '../catalogue/products.ts'

export interface OrderLine {
  readonly product: string
  readonly name: string
  readonly count: number
  readonly cents: number
}

const MOST_LINES = 16
const MOST_OF_ONE = 99

/** The lines of `{ items: [{ product, count }] }`; a sentence when it is not an order. */
export function readOrder(body: unknown): readonly OrderLine[] | string {
  const items = fieldOf(body, 'items')
  if (!Array.isArray(items) || items.length === 0 || items.length > MOST_LINES) {
    return `An order has 1 to ${MOST_LINES} items.`
  }
  const lines: OrderLine[] = []
  for (const item of items) {
    const id = fieldOf(item, 'product')
    const count = fieldOf(item, 'count')
    const product = typeof id === 'string' ? findProduct(id) : undefined
    if (product === undefined) return 'There is no such product.'
    if (typeof count !== 'number' || !Number.isInteger(count) || count < 1 || count > MOST_OF_ONE) {
      return `Of each product, 1 to ${MOST_OF_ONE}.`
    }
    lines.push({ product: product.id, name: product.name, count, cents: product.cents * count })
  }
  return lines
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Record<string, unknown>)[name]
}
