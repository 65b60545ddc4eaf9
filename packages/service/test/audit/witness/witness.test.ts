import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newNoteKey, noteSigner } from '../../../src/audit/log/note.ts'
import { cosignaturesOn } from '../../../src/audit/witness/cosignature.ts'
import { requestText } from '../../../src/audit/witness/request.ts'
import { createWitnessState, openWitnessState } from '../../../src/audit/witness/witness.ts'
import { folder } from '../../support.ts'
import { host, place, SIGNER } from '../log/support.ts'
import { ask, grow, W1, W2, wholeProof, witness } from './support.ts'

/** A log with checkpoints of 10 and 25 lines, and the request that leads from one to the other. */
function checkpoints() {
  const { directory, open } = place()
  const log = open()
  grow(log, 9)
  const [ten, first] = [log.size(), log.checkpoint()]
  grow(log, 15)
  const [all, second] = [log.size(), log.checkpoint()]
  const proof = wholeProof(directory, ten, all)
  return { ten, all, first, second, proof }
}

const begin = (checkpoint: string) => requestText({ old: 0, proof: [], checkpoint })

test('it signs a log for as long as each checkpoint goes on from the last', async () => {
  const { ten, all, first, second, proof } = checkpoints()
  const { url, verifier, notices } = await witness()

  const one = await ask(url, begin(first))
  const two = await ask(url, requestText({ old: ten, proof, checkpoint: second }))
  const again = await ask(url, requestText({ old: all, proof: [], checkpoint: second }))

  expect([one.status, two.status, again.status]).toEqual([200, 200, 200])
  expect(cosignaturesOn(first + one.text, [verifier])).toEqual({
    ok: true,
    cosignatures: [{ witness: W1.name, at: Math.floor(host.now() / 1_000) * 1_000 }],
  })
  expect(cosignaturesOn(second + two.text, [verifier])).toMatchObject({ ok: true })
  expect(notices).toMatchObject([{ is: 'new', known: { size: 0 } }])
})

test('who does not know how far it is learns it, as a number of lines', async () => {
  const { ten, all, first, second, proof } = checkpoints()
  const { url } = await witness()
  await ask(url, begin(first))

  const behind = await ask(url, begin(second))
  await ask(url, requestText({ old: ten, proof, checkpoint: second }))
  const late = await ask(url, requestText({ old: ten, proof: [], checkpoint: first }))

  expect(behind).toEqual({ status: 409, type: 'text/x.tlog.size', text: `${ten}\n` })
  expect(late).toEqual({ status: 409, type: 'text/x.tlog.size', text: `${all}\n` })
})

test('another history is refused, whatever its size, and told with the proof of it', async () => {
  const { ten, first } = checkpoints()
  const forged = checkpoints()
  const { url, notices } = await witness()
  await ask(url, begin(first))

  const { second, proof } = forged
  const longer = await ask(url, requestText({ old: ten, proof, checkpoint: second }))
  const bare = await ask(url, requestText({ old: ten, proof: [], checkpoint: second }))
  const same = await ask(url, requestText({ old: ten, proof: [], checkpoint: forged.first }))

  expect([longer.status, bare.status, same.status]).toEqual([422, 422, 409])
  expect(notices.slice(1)).toMatchObject([
    { is: 'refused', known: { size: ten }, checkpoint: second },
    { is: 'refused', checkpoint: second },
    { is: 'refused', checkpoint: forged.first },
  ])
})

const TEXT = `audit.example/log\n10\n${Buffer.alloc(32, 7).toString('base64')}\n`
const GOOD = SIGNER.sign(TEXT)
const STRANGER = noteSigner(newNoteKey(SIGNER.name, host.random))

test.each([
  ['nothing', '', 400],
  ['a checkpoint alone', GOOD, 400],
  ['a size with a leading zero', begin(GOOD).replace('old 0', 'old 00'), 400],
  ['a size that is negative', begin(GOOD).replace('old 0', 'old -1'), 400],
  ['a hash of another length', begin(GOOD).replace('old 0\n', 'old 0\nAAAA\n'), 400],
  ['64 hashes', begin(GOOD).replace('old 0\n', `old 0\n${`${'A'.repeat(43)}=\n`.repeat(64)}`), 400],
  ['more lines before than after', begin(GOOD).replace('old 0', 'old 11'), 400],
  ['a log that is not known', begin(STRANGER.sign(TEXT.replace('audit.', 'other.'))), 404],
  ['a log whose name begins alike', begin(SIGNER.sign(TEXT.replace('/log\n', '/logs\n'))), 404],
  ['a stranger under the name of the log', begin(STRANGER.sign(TEXT)), 403],
  ['an edited checkpoint', begin(GOOD.replace('\n10\n', '\n11\n')), 403],
  ['a proof from nothing', begin(GOOD).replace('old 0\n', `old 0\n${'A'.repeat(43)}=\n`), 422],
  ['two megabytes', begin(GOOD) + 'x'.repeat(2_000_000), 413],
])('%s is refused', async (_, body, status) => {
  const { url } = await witness()

  // Of a body that is too long not all is read: the connection may end before the answer is here.
  const answer = await ask(url, body).catch(() => ({ status: 413 }))

  expect(answer.status).toBe(status)
  expect((await ask(url, begin(GOOD))).status).toBe(200)
})

test('there is one call, by POST', async () => {
  const { url } = await witness()

  expect((await fetch(`${url}/add-checkpoint`)).status).toBe(405)
  expect((await fetch(url, { method: 'POST' })).status).toBe(404)
})

test('logs below the name of a key are apart from each other, and are bounded', async () => {
  const { url, state } = await witness()
  const named = (at: number) => begin(SIGNER.sign(TEXT.replace('/log\n', `/log/${at}\n`)))
  const first = [await ask(url, named(1)), await ask(url, named(2))]
  state.transaction(() => {
    for (let at = 3; at <= 1_000; at++) {
      state.run('INSERT INTO logs (origin, size, root) SELECT ?, size, root FROM logs LIMIT 1', [
        `audit.example/log/${at}`,
      ])
    }
  })

  const beyond = await ask(url, named(1_001))
  const known = await ask(url, named(1_000))

  expect(first.map(({ status }) => status)).toEqual([200, 200])
  expect(beyond).toMatchObject({ status: 404, text: 'too many logs\n' })
  expect(known).toMatchObject({ status: 409, text: '10\n' })
})

test('a memory belongs to one key, and a file that is there does not become one', () => {
  const path = join(folder(), 'witness.state')
  const other = join(folder(), 'text')
  writeFileSync(other, 'no database, and long enough to be looked at as one'.repeat(20))
  createWitnessState(path, W1)

  openWitnessState(path, W1).close()
  expect(() => openWitnessState(path, W2)).toThrow(/the memory of the witness/)
  for (const none of [other, join(folder(), 'other'), '/nowhere/at/all']) {
    expect(() => openWitnessState(none, W1)).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    )
  }
  expect(() => createWitnessState(path, W2)).toThrow(/is there already/)
})
