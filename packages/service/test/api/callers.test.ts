import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { callersOf, connectionCallers } from '../../src/api/callers.ts'

function key(name: string, secret: string) {
  const digest = createHash('sha256').update(secret).digest('hex')
  return { name, roles: ['app'], digest: `sha256:${digest}` } as const
}

const SHOP = 'Bearer the-key-of-the-shop-1'
const DESK = 'Bearer the-key-of-the-desk-2'

test('a header that held on a connection is not looked up there again', () => {
  let asked = 0
  const known = callersOf([key('shop', SHOP.slice(7)), key('desk', DESK.slice(7))])
  const callerOn = connectionCallers((authorization) => {
    asked++
    return known(authorization)
  })
  const [one, other] = [{}, {}]

  const names = [SHOP, SHOP, DESK, DESK, SHOP].map((header) => callerOn(one, header)?.name)

  expect(names).toEqual(['shop', 'shop', 'desk', 'desk', 'shop'])
  expect(asked).toBe(3)
  expect(callerOn(other, SHOP)?.name).toBe('shop')
  expect(asked).toBe(4)
})

test('nobody is believed because of the connection', () => {
  const callerOn = connectionCallers(callersOf([key('shop', SHOP.slice(7))]))
  const connection = {}
  expect(callerOn(connection, SHOP)?.name).toBe('shop')

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

  for (const header of forged) expect(callerOn(connection, header)).toBeUndefined()
  expect(callerOn(connection, SHOP)?.name).toBe('shop')
})
