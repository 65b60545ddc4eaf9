// Appends to an audit log until it is killed, as a writer that reads a feed does: every event from
// the position that the log accounts for. Says each batch that was acknowledged, and an empty one
// where the disk was full. With "retire" it retires all that is complete now and then.
import { createHash } from 'node:crypto'
import { readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { parseKeyring } from 'holdfast'
import { openAuditLog } from '../../../dist/audit/log/audit-log.js'
import { noteSigner } from '../../../dist/audit/log/note.js'
import { openVault } from '../../../dist/audit/log/personal.js'
import { byClass } from '../../../dist/audit/retention.js'

const [directory, keys, epoch, until, segmentBytes, also] = process.argv.slice(2)
const { ring, key } = JSON.parse(readFileSync(keys, 'utf8'))
const now = () => Date.now()
const random = (size) => crypto.getRandomValues(new Uint8Array(size))
const vault = openVault({
  ...{ path: join(directory, 'vault.sqlite'), keyring: parseKeyring(ring), now, random },
})
const log = openAuditLog({
  ...{ directory, signer: noteSigner(key), epoch: Number(epoch), vault, now },
  segmentBytes: Number(segmentBytes),
})

/** The same event for the same position, whoever asks. */
function entryAt(partition, sequence) {
  const id = createHash('sha256')
    .update(`${partition} ${sequence}`)
    .digest('base64url')
    .slice(0, 22)
  const none = { session: null, network: null, device: null, decision: null, situation: null }
  const event = {
    ...{ id, type: 'session-established', at: sequence, actor: 'client', ...none },
    ...{ subject: `subject-${sequence % 7}`, reason: null, correlation: null },
  }
  const personal = {
    subject: 'ada',
    tenant: null,
    address: '203.0.113.7',
    userAgent: 'x'.repeat(200),
  }
  return { partition, sequence, event, personal }
}

for (let batch = 0; batch < Number(until); batch++) {
  const positions = log.positions()
  const entries = []
  for (let partition = 0; partition < 4; partition++) {
    for (let more = 1; more <= 5; more++) {
      entries.push(entryAt(partition, (positions[partition] ?? 0) + more))
    }
  }
  try {
    const logged = log.append(entries)
    if (batch % 4 === 3) log.checkpoint()
    if (also === 'retire' && batch % 2 === 1) while (!log.retire(byClass(() => now() + 1)));
    say(logged.map(({ event, index }) => [index, event.id]))
  } catch (error) {
    if (error.code !== 'store_unavailable') throw error
    say([])
  }
}
log.checkpoint()
log.close()
vault.close()

function say(logged) {
  writeSync(1, `${JSON.stringify(logged)}\n`)
}
