import { expect, test } from 'vitest'
import { openCheckpoint, signCheckpoint } from '../../../src/audit/log/checkpoint.ts'
import { newNoteKey, noteSigner, noteVerifier, openNote } from '../../../src/audit/log/note.ts'
import { EMPTY_ROOT } from '../../../src/audit/log/tree.ts'
import { host } from './support.ts'

const KEY = newNoteKey('audit.example/log', host.random)
const SIGNER = noteSigner(KEY)
const VERIFIERS = [noteVerifier(SIGNER.verifierKey)]

test('the note of the documentation of Go is signed by the key that stands there', () => {
  const key = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
  const text =
    'If you think cryptography is the answer to your problem,\n' +
    "then you don't know what your problem is.\n"
  const note =
    `${text}\n\u2014 PeterNeumann ` +
    'x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'

  expect(openNote(note, [noteVerifier(key)])).toEqual({
    ...{ ok: true, text, signedBy: ['PeterNeumann'], others: 0 },
  })
})

test('a note that was edited, or that nobody known has signed, is refused', () => {
  const note = SIGNER.sign('hello\n')
  const stranger = noteSigner(newNoteKey('stranger.example', host.random)).sign('hello\n')

  expect(openNote(note, VERIFIERS)).toMatchObject({ ok: true, text: 'hello\n' })
  expect(openNote(note.replace('hello', 'hullo'), VERIFIERS)).toMatchObject({ ok: false })
  expect(openNote(stranger, VERIFIERS)).toMatchObject({ ok: false })
  const line = stranger.split('\n\n')[1] ?? ''
  expect(openNote(`${note}${line}`, VERIFIERS)).toMatchObject({ ok: true, others: 1 })
})

test.each([
  ['no signature', 'hello\n\n'],
  ['no text', ''],
  ['a carriage return', SIGNER.sign('hello\n').replace('hello', 'hel\rlo')],
  ['no line feed at its end', SIGNER.sign('hello\n').trimEnd()],
  ['a hyphen for the dash', SIGNER.sign('hello\n').replace('\u2014', '-')],
  ['a signature in another spelling', SIGNER.sign('hello\n').replace('=\n', '\n')],
  ['a million signatures', SIGNER.sign('hello\n') + '\u2014 a AAAAAAA=\n'.repeat(100_000)],
])('what has %s is no note', (_name, note) => {
  expect(openNote(note, VERIFIERS)).toMatchObject({ ok: false })
})

test.each(['', 'two words', 'a+b', 'tab\t', 'x'.repeat(256), '\u202eright'])(
  'a key has no such name: %j',
  (name) => {
    expect(() => newNoteKey(name, host.random)).toThrow(
      expect.objectContaining({ code: 'invalid_input' }),
    )
  },
)

test('a key that was damaged is refused, and is not in the error', () => {
  const last = KEY.slice(-8)
  for (const wrong of [KEY.slice(0, -4), KEY.replace('audit', 'other'), `x${KEY}`]) {
    expect(() => noteSigner(wrong)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    expect(() => noteSigner(wrong)).not.toThrow(last)
  }
  for (const wrong of ['', KEY, SIGNER.verifierKey.replace('audit', 'other')]) {
    expect(() => noteVerifier(wrong)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  }
})

test.each([
  ['a size with a zero in front', 'a\n01\nROOT\n'],
  ['a size beyond all trees', 'a\n9999999999999999\nROOT\n'],
  ['no origin', '\n1\nROOT\n'],
  ['a root that is none', 'a\n1\nAAAA\n'],
  ['two lines', 'a\n1\n'],
])('what has %s is no checkpoint', (_name, text) => {
  const note = SIGNER.sign(text.replace('ROOT', EMPTY_ROOT.toString('base64')))

  expect(openCheckpoint(note, VERIFIERS)).toMatchObject({ ok: false })
})

test('a checkpoint is read with extension lines', () => {
  const checkpoint = { origin: 'a', size: 7, root: EMPTY_ROOT }
  const more = SIGNER.sign(`a\n7\n${EMPTY_ROOT.toString('base64')}\nmore\n`)

  expect(openCheckpoint(signCheckpoint(checkpoint, SIGNER), VERIFIERS)).toEqual({
    ...{ ok: true, ...checkpoint },
  })
  expect(openCheckpoint(more, VERIFIERS)).toMatchObject({ ok: true, size: 7 })
})
