import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { expect, test } from 'vitest'
import { securityHeaders } from '../src/gateway/headers.ts'

test.each([
  ['https://shop.example', 'max-age=31536000; includeSubDomains'],
  ['http://localhost:4700', null],
])('a shop at %s sends as HSTS: %s', async (origin, expected) => {
  const app = express()
  app.use(securityHeaders(origin))
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  const { headers } = await fetch(`http://127.0.0.1:${port}/`)
  await new Promise((resolve) => server.close(resolve))

  expect(headers.get('strict-transport-security')).toBe(expected)
})
