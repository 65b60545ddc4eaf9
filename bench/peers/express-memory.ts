import session from 'express-session'
import { contend } from '../contender-process.ts'
import { exchangeThrough, nothing } from './exchange.ts'
import { expressSession } from './express-session.ts'
import { EXCHANGE, EXPRESS_MEMORY } from './names.ts'

await contend(async () => {
  const exchange = exchangeThrough(nothing)
  return [
    { name: EXCHANGE, run: () => exchange('theme=dark', () => undefined) },
    ...(await expressSession(EXPRESS_MEMORY, new session.MemoryStore())),
  ]
})
