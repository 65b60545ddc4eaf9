import { randomBytes } from 'node:crypto'
import { jsonPost } from '../../../src/audit/alerts/http-post.ts'
import { createOutbox } from '../../../src/audit/alerts/outbox.ts'
import { createSender } from '../../../src/audit/alerts/sender.ts'
import { webhook } from '../../../src/audit/alerts/targets/webhook.ts'
import { openDatabase } from '../../../src/audit/database.ts'

/** A process that does nothing but send what is in an outbox. Arguments: database, URL, secret. */
const [path = '', url = '', secret = '', leaseMs = ''] = process.argv.slice(2)
const now = (): number => Date.now()
const outbox = createOutbox({
  database: openDatabase(path),
  now,
  random: (size) => randomBytes(size),
  leaseMs: Number(leaseMs),
})
const post = jsonPost(url, { reach: { allowPrivate: true }, now })
const target = { ...webhook(post, { secrets: [secret], now }), perMinute: 6_000_000 }
const quiet = (): void => {}
createSender({ outbox, targets: { soc: target }, now, log: { warn: quiet, error: quiet } }).start()
