import { describe, expect, test } from 'vitest'
import { sealingCodec } from '../../src/codecs/codec.ts'
import { newKeyring } from '../../src/codecs/keyring.ts'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { subjectKeys } from '../../src/maintenance/subject-key.ts'
import { harness, inMemory } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

/**
 * Half of a surrogate pair has no UTF-8, and encoders write U+FFFD for it: all such names, and
 * U+FFFD itself, would be one subject.
 */
const HALVES = ['\ud800', '\ud801', '\udfff', 'ada\ud83d']

describe.each(HALVES)('whoever registers as %j', (name) => {
  test('cannot log in as the owner of another name', async () => {
    const { sessions } = await harness(inMemory)
    await sessions.create({ subject: '\ufffd', request: atHome() })

    await expect(sessions.create({ subject: name, request: atHome() })).rejects.toMatchObject({
      code: 'invalid_input',
    })
  })

  test('neither sees nor ends nor marks the sessions of another name', async () => {
    const { sessions } = await harness(inMemory)
    await sessions.create({ subject: '\ufffd', request: atHome() })
    const refused = { code: 'invalid_input', message: expect.stringContaining('subject') }

    await expect(sessions.list({ subject: name })).rejects.toMatchObject(refused)
    await expect(
      sessions.revokeSubject({ subject: name }, { reason: 'test' }),
    ).rejects.toMatchObject(refused)
    await expect(
      sessions.report({ kind: 'login_failed', subject: name, request: atHome() }),
    ).rejects.toMatchObject(refused)
    await expect(sessions.list({ subject: 'ada', tenant: name })).rejects.toMatchObject({
      message: expect.stringContaining('tenant'),
    })

    expect((await sessions.list({ subject: '\ufffd' })).items).toHaveLength(1)
  })

  test('gets no key from the codec either', () => {
    const host = fakeHost()
    const keyring = newKeyring(host)
    const refused = expect.objectContaining({ code: 'invalid_input' })

    expect(() => sealingCodec(keyring, host).subjectKey('default', name)).toThrow(refused)
    expect(() => sealingCodec(keyring, host).subjectKey(name, 'ada')).toThrow(refused)
    expect(() => subjectKeys(keyring)({ subject: name })).toThrow(refused)
  })
})

test('a name with whole surrogate pairs is as good as any', async () => {
  const { sessions } = await harness(inMemory)

  await sessions.create({ subject: 'ada \u{1f511}', request: atHome() })

  expect((await sessions.list({ subject: 'ada \u{1f511}' })).items).toHaveLength(1)
})
