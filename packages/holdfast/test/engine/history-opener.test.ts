import { expect, test } from 'vitest'
import { type Codec, historyIdentity, sealingCodec } from '../../src/codecs/codec.ts'
import { newKeyring } from '../../src/codecs/keyring.ts'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import type { SubjectKey } from '../../src/core/ids.ts'
import { historyOpener } from '../../src/engine/state/history.ts'

const ada = 'a'.repeat(22) as SubjectKey
const eve = 'e'.repeat(22) as SubjectKey
const content = Buffer.from('what the past of a subject says')
const invalid = expect.objectContaining({ code: 'record_invalid' })

function scene() {
  const host = fakeHost()
  const codec = sealingCodec(newKeyring(host), host)
  let opened = 0
  const counting: Codec = {
    ...codec,
    open(place, bytes) {
      opened++
      return codec.open(place, bytes)
    },
  }
  return {
    open: historyOpener(counting),
    opened: () => opened,
    sealed: (version: number) => codec.seal(historyIdentity(ada, version), content),
  }
}

test('each version of a history is opened once', () => {
  const { open, opened, sealed } = scene()
  const [first, second] = [sealed(1), sealed(2)]

  expect(open(ada, { version: 1, sealed: first })).toEqual(content)
  expect(open(ada, { version: 1, sealed: Uint8Array.from(first) })).toEqual(content)
  expect(opened()).toBe(1)
  expect(open(ada, { version: 2, sealed: second })).toEqual(content)
  expect(opened()).toBe(2)
})

test('a history is opened again where a byte, its version or its subject is another', () => {
  const { open, sealed } = scene()
  const first = sealed(1)
  open(ada, { version: 1, sealed: first })
  const changed = first.map((byte, at) => (at === 30 ? byte ^ 1 : byte))

  expect(() => open(ada, { version: 1, sealed: changed })).toThrow(invalid)
  expect(() => open(ada, { version: 2, sealed: first })).toThrow(invalid)
  expect(() => open(eve, { version: 1, sealed: first })).toThrow(invalid)
  expect(open(ada, { version: 1, sealed: first })).toEqual(content)
})

test('what was opened does not change with the buffer that it was read into', () => {
  const { open, sealed } = scene()
  const first = sealed(1)
  const kept = Uint8Array.from(first)
  open(ada, { version: 1, sealed: first })
  first.fill(0)

  expect(open(ada, { version: 1, sealed: kept })).toEqual(content)
  expect(() => open(ada, { version: 1, sealed: first })).toThrow(invalid)
})
