import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { callersOf } from '../../src/api/callers.ts'

function key(name: string, secret: string) {
  const digest = createHash('sha256').update(secret).digest('hex')
  return { name, roles: ['app'], digest: `sha256:${digest}` } as const
}

const SHOP = 'Bearer the-key-of-the-shop-1'
const DESK = 'Bearer the-key-of-the-desk-2'
const callers = callersOf([key('shop', SHOP.slice(7)), key('desk', DESK.slice(7))])

test('a caller is told by the key, in whatever order they come', () => {
  const names = [SHOP, SHOP, DESK, DESK, SHOP].map((header) => callers(header)?.name)

  expect(names).toEqual(['shop', 'shop', 'desk', 'desk', 'shop'])
})

test('a caller may show name and key as clients of OAuth do', () => {
  const odd = callersOf([key('a-b', 'a+key:with%signs/in=it')])
  const basic = (...parts: readonly [name: string, secret: string]): string =>
    `Basic ${Buffer.from(parts.map(encodeURIComponent).join(':')).toString('base64')}`
  const raw = (text: string): string => `basic ${Buffer.from(text).toString('base64')}`

  expect(callers(basic('shop', SHOP.slice(7)))?.name).toBe('shop')
  expect(odd(basic('a-b', 'a+key:with%signs/in=it'))?.name).toBe('a-b')
  expect(callers(raw(`desk:${DESK.slice(7)}`))?.name).toBe('desk')
  const wrong = [
    basic('desk', SHOP.slice(7)),
    basic('', SHOP.slice(7)),
    basic('shop', ''),
    raw(SHOP.slice(7)),
    raw(`shop:${SHOP.slice(7)}%`),
    raw(''),
    'Basic =',
    `Basic ${SHOP.slice(7)}`,
  ]
  for (const header of wrong) expect(callers(header)).toBeUndefined()
})

test('nobody is believed because of what came before', () => {
  expect(callers(SHOP)?.name).toBe('shop')

  const forged = [
    undefined,
    '',
    'Bearer ',
    SHOP.slice(0, -1),
    `${SHOP}1`,
    `${SHOP.slice(0, -1)}2`,
    `${SHOP.slice(0, -1)}\u0131`,
    `X${SHOP.slice(1)}`,
  ]

  for (const header of forged) expect(callers(header)).toBeUndefined()
  expect(callers(SHOP)?.name).toBe('shop')
})
