import { expect, test } from 'vitest'
import { parseDatabaseAddress } from '../../src/config/database-address.ts'

const ADA = { user: 'ada', database: 'holdfast', port: 5432 }

test.for([
  ['postgres://ada@db/holdfast', { ...ADA, host: 'db', tls: true }],
  ['postgresql://ada@db:6000/holdfast', { ...ADA, host: 'db', port: 6000, tls: true }],
  ['postgres://a%40b:p%40%2F%23%25@db/x', { user: 'a@b', password: 'p@/#%', database: 'x' }],
  ['postgres://ada@[2001:db8::1]/holdfast', { ...ADA, host: '2001:db8::1', tls: true }],
  ['postgres://ada@127.0.0.1/holdfast', { ...ADA, host: '127.0.0.1', tls: false }],
  ['postgres://ada@[::1]/holdfast', { ...ADA, host: '::1', tls: false }],
  ['postgres://ada@localhost/holdfast?sslmode=verify-full', { ...ADA, tls: true }],
  ['postgres://ada@db/holdfast?sslmode=disable', { ...ADA, host: 'db', tls: false }],
  [
    'postgres://ada@localhost/holdfast?host=/run/postgresql',
    { host: '/run/postgresql', tls: false },
  ],
] as const)('%s', ([text, address]) => {
  expect(parseDatabaseAddress(text)).toMatchObject(address)
})

test.for([
  ['mysql://ada:xylophone@db/holdfast', /no address of a PostgreSQL/],
  ['db.internal', /no address of a PostgreSQL/],
  ['postgres://ada:xyl/ophone@db/holdfast', /cannot be read|does not name/],
  ['postgres://ada:xyl%ophone@db/holdfast', /does not name|cannot be read/],
  ['postgres://db/holdfast', /host, user and database/],
  ['postgres://ada:xylophone@db', /host, user and database/],
  ['postgres://ada:xylophone@db/a/b', /host, user and database/],
  ['postgres://ada:xylophone@db/a?sslmode=require', /does not check who answers/],
  ['postgres://ada:xylophone@db/a?password=xylophone', /other than sslmode and host/],
  ['postgres://ada:xylophone@db/a#b', /other than sslmode and host/],
  ['postgres://ada:xylophone@db/a?host=other', /folder of a socket/],
] as const)('%s is refused without a word of what may be a secret', ([text, problem]) => {
  const read = parseDatabaseAddress(text)

  expect(read).toMatchObject({ problem: expect.stringMatching(problem) })
  expect(JSON.stringify(read)).not.toMatch(/xyl|ophone/)
})
