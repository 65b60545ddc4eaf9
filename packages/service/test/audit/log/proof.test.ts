import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { newNoteKey, noteSigner } from '../../../src/audit/log/note.ts'
import { proveLine, verifyProof } from '../../../src/audit/log/proof.ts'
import { countedLines } from '../../../src/audit/log/read.ts'
import { entries, host, place, segmentsIn, VERIFIER_KEYS } from './support.ts'

/** Three segments, and a line that no checkpoint covers yet. */
function logged() {
  const { directory, open } = place()
  for (let at = 0; at < 3; at++) {
    const log = open()
    log.append(entries(1, [3 * at + 1, 3 * at + 2, 3 * at + 3]))
    log.checkpoint()
    log.close()
  }
  const [late] = open().append(entries(1, [10]))
  return { directory, late: late?.index ?? 0 }
}

test('every line that is signed is proven, by its index and as an event', () => {
  const { directory, late } = logged()

  for (const { index, bytes } of countedLines(directory)) {
    if (index >= 12) continue
    const proof = proveLine(directory, { index })

    const line = bytes.toString()
    expect(verifyProof(proof, VERIFIER_KEYS)).toEqual({
      ...{ ok: true, origin: 'audit.example/log', index, size: 12, line },
      cosignatures: [],
    })
    const id = /"event":\{"id":"([^"]+)"/.exec(line)?.[1]
    if (id !== undefined) expect(proveLine(directory, { event: id })).toBe(proof)
  }
  for (const wanted of [{ index: late }, { index: 99 }, { event: 'none' }]) {
    expect(() => proveLine(directory, wanted)).toThrow(
      expect.objectContaining({ code: 'not_found' }),
    )
  }
})

test('a proof that was changed anywhere proves nothing', () => {
  const { directory } = logged()
  const proof = proveLine(directory, { index: 6 })
  const stranger = noteSigner(newNoteKey('stranger.example', host.random)).verifierKey
  const other = proveLine(directory, { index: 7 }).split('\n')[1] ?? ''
  const lines = proof.split('\n')

  const wrong = [
    ...['', 'nothing', proof.slice(0, 200), proof.replace('index 6', 'index 7')],
    ...[proof.replace('index 6', 'index 06'), proof.replace(/^extra .*$/m, other)],
    proof.replace(/^extra .*\n/m, ''),
    proof.replace('\n12\n', '\n13\n'),
    lines.toSpliced(3, 1).join('\n'),
    lines.toSpliced(3, 0, lines[3] ?? '').join('\n'),
    lines.with(3, 'AAAA').join('\n'),
  ]
  for (const text of wrong) {
    expect(verifyProof(text, VERIFIER_KEYS)).toMatchObject({ ok: false })
  }
  expect(verifyProof(proof, [stranger])).toMatchObject({ ok: false })
})

test('a log that was changed, or has no checkpoint, proves nothing', () => {
  const { directory } = logged()
  const [path = ''] = segmentsIn(directory)
  writeFileSync(path, readFileSync(path, 'utf8').replace('client', 'ghost'))
  const empty = place()
  empty.open()

  expect(() => proveLine(directory, { index: 9 })).toThrow(
    expect.objectContaining({ code: 'record_invalid' }),
  )
  expect(() => proveLine(empty.directory, { index: 0 })).toThrow('There is no checkpoint')
})
