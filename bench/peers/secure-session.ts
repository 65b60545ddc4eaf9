import { randomBytes } from 'node:crypto'
import secureSession, { type Decorated } from '@fastify/secure-session'
import { fastify } from 'fastify'
import { contend } from '../contender-process.ts'
import { sessionFacts } from '../facts.ts'
import { SECURE_SESSION } from './names.ts'
import { shownRows } from './shown.ts'

/** The plugin's own functions, without a request: what every request pays. */
await contend(async () => {
  const app = fastify()
  app.register(secureSession as never, { key: randomBytes(32), expiry: 7_200 } as never)
  await app.ready()
  const plugin = app as unknown as Decorated
  return shownRows(SECURE_SESSION, {
    make: async (user) =>
      plugin.encodeSecureSession(plugin.createSecureSession(sessionFacts(user))),
    read: async (cookie) => plugin.decodeSecureSession(cookie)?.get('userId'),
  })
})
