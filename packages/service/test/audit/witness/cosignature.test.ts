import { expect, test } from 'vitest'
import { newNoteKey, noteSigner, noteVerifier } from '../../../src/audit/log/note.ts'
import {
  cosignaturesOn,
  cosigner,
  quorumAt,
  witnessVerifier,
} from '../../../src/audit/witness/cosignature.ts'
import { host, SIGNER } from '../log/support.ts'
import { newCosigner, W1, W2 } from './support.ts'

const TEXT = 'audit.example/log\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n'
const NOTE = SIGNER.sign(TEXT)
const BOTH = [W1, W2].map(({ verifierKey }) => witnessVerifier(verifierKey))

test('a cosignature is bound to the text, the time and the key', () => {
  const at = Date.UTC(2026, 0, 31)
  const line = W1.cosign(TEXT, at)
  const [, name = '', encoded = ''] = line.trimEnd().split(' ')
  const bytes = Buffer.from(encoded, 'base64')
  const moved = Buffer.from(bytes)
  moved[11] = (moved[11] ?? 0) ^ 1
  const other = `\u2014 ${name} ${moved.toString('base64')}\n`

  expect(cosignaturesOn(NOTE + line, BOTH)).toEqual({
    ok: true,
    cosignatures: [{ witness: W1.name, at }],
  })
  expect(cosignaturesOn(NOTE.replace('\n7\n', '\n8\n') + line, BOTH)).toMatchObject({ ok: false })
  expect(cosignaturesOn(NOTE + other, BOTH)).toEqual({
    ok: false,
    problem: `the cosignature of ${W1.name} is wrong`,
  })
})

test('signatures of strangers are passed over, and a witness counts once, with its newest', () => {
  const stranger = newCosigner('stranger.example').cosign(TEXT, 5_000)
  const again = [1_000, 9_000, 4_000].map((at) => W1.cosign(TEXT, at)).join('')
  const note = NOTE + stranger + again + W2.cosign(TEXT, 2_000)

  const by = cosignaturesOn(note, BOTH)

  if (!by.ok) throw new Error(by.problem)
  expect(by.cosignatures).toEqual([
    { witness: W1.name, at: 9_000 },
    { witness: W2.name, at: 2_000 },
  ])
  expect(quorumAt(by.cosignatures, 1)).toBe(2_000)
  expect(quorumAt(by.cosignatures, 2)).toBe(9_000)
  expect(quorumAt(by.cosignatures, 3)).toBeUndefined()
})

test('a signature that is cut short, or of another length, is wrong', () => {
  const line = W1.cosign(TEXT, 1_000)
  const [dash, name, encoded = ''] = line.trimEnd().split(' ')
  const bytes = Buffer.from(encoded, 'base64')

  for (const cut of [bytes.subarray(0, 5), bytes.subarray(0, 12), bytes.subarray(0, -1)]) {
    const note = `${NOTE}${dash} ${name} ${cut.toString('base64')}\n`
    expect(cosignaturesOn(note, BOTH)).toMatchObject({ ok: false })
  }
  const long = Buffer.concat([bytes, Buffer.of(0)])
  expect(cosignaturesOn(`${NOTE}${dash} ${name} ${long.toString('base64')}\n`, BOTH)).toMatchObject(
    {
      ok: false,
    },
  )
})

test('keys of logs and of witnesses do not take the place of each other', () => {
  const log = newNoteKey('one.example', host.random)
  const witness = newNoteKey('one.example', host.random, 'witness')
  const invalid = expect.objectContaining({ code: 'config_invalid' })

  expect(() => cosigner(log)).toThrow(invalid)
  expect(() => noteSigner(witness)).toThrow(invalid)
  expect(() => witnessVerifier(noteSigner(log).verifierKey)).toThrow(invalid)
  expect(() => noteVerifier(cosigner(witness).verifierKey)).toThrow(invalid)
  expect(witnessVerifier(cosigner(witness).verifierKey).name).toBe('one.example')
})
