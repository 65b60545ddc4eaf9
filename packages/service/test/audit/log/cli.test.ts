import { appendFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatKeyring } from 'holdfast/maintenance'
import { expect, test } from 'vitest'
import { noteSigner } from '../../../src/audit/log/note.ts'
import { cosigner } from '../../../src/audit/witness/cosignature.ts'
import { holdfast } from '../../cli/holdfast.ts'
import { folder } from '../../support.ts'
import { W1, W2 } from '../witness/support.ts'
import { ADA, event, PERSONAL, place, SIGNER, segmentsIn } from './support.ts'

const HOSTILE = '\u001b[31mred\u202e\u0085'

/** A signed log with three events, one of them by somebody with a hostile name. */
function logged() {
  const { directory, keyring, vault, open } = place()
  const log = open()
  const old = event({ at: Date.now() - 3 * 3_600_000, type: 'session-revoked' })
  const fresh = event({ at: Date.now(), actor: HOSTILE })
  const personal = { ...PERSONAL, userAgent: HOSTILE }
  log.append(
    [old, fresh].map((one, at) => ({ partition: 1, sequence: at + 1, event: one, personal })),
  )
  const kept = join(folder(), 'checkpoint')
  writeFileSync(kept, log.checkpoint())
  const key = join(folder(), 'verifier.txt')
  writeFileSync(key, `${SIGNER.verifierKey}\n`)
  const ring = join(folder(), 'ring.json')
  writeFileSync(ring, formatKeyring(keyring))
  return { ...{ directory, vault, log, old, fresh }, ...{ kept, key, ring } }
}

test('keys new makes a key for its owner alone, shows the public half, replaces none', async () => {
  const path = join(folder(), 'audit.key')

  const made = await holdfast(`audit keys new ${path} --name auth.example/audit --json`)
  const again = await holdfast(`audit keys new ${path}`)

  const key = readFileSync(path, 'utf8')
  expect(JSON.parse(made.out).verifierKey).toBe(noteSigner(key).verifierKey)
  expect(made.out).toContain('auth.example/audit+')
  expect(made.out).not.toContain('PRIVATE')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect([made.code, again.code]).toEqual([0, 1])
  expect(readFileSync(path, 'utf8')).toBe(key)
})

test('verify ends with 0 for what is whole, with a key and a kept checkpoint', async () => {
  const { directory, key, kept } = logged()

  const file = await holdfast(`audit verify ${directory} --key ${key} --against ${kept}`)
  const text = await holdfast(`audit verify ${directory} --key ${SIGNER.verifierKey} --json`)

  expect(file.out).toContain('Nothing was changed, and nothing is missing.')
  expect(file.out).toContain('2 events in 3 lines of 1 segments, 3 lines signed.')
  expect(JSON.parse(text.out)).toMatchObject({ ok: true, faults: [], notes: [] })
  expect([file.code, text.code]).toEqual([0, 0])
})

test('verify does not vouch for lines that nobody has signed', async () => {
  const { directory, key } = logged()
  for (const name of ['checkpoint', 'checkpoints']) rmSync(join(directory, name))

  const { out, code } = await holdfast(`audit verify ${directory} --key ${key}`)

  expect(out).toContain('3 lines are signed by nobody')
  expect(out).not.toContain('Nothing was changed')
  expect(code).toBe(0)
})

test('verify ends with 1 for what was changed, and says where', async () => {
  const { directory, key } = logged()
  const [path = ''] = segmentsIn(directory)
  writeFileSync(path, readFileSync(path, 'utf8').replace('session-revoked', 'session-limited'))

  const { code, out } = await holdfast(`audit verify ${directory} --key ${key}`)

  expect(code).toBe(1)
  expect(out).toContain(`FAULT: ${path}, line 2: this line was edited`)
})

test('a line that is proven is checked without the log', async () => {
  const { directory, key, fresh } = logged()
  const path = join(folder(), 'event.tlog-proof')

  const proven = await holdfast(`audit prove ${directory} --event ${fresh.id}`)
  const byLine = await holdfast(`audit prove ${directory} --line 2 --json`)
  writeFileSync(path, proven.out)
  rmSync(directory, { recursive: true })
  const checked = await holdfast(`audit check-proof ${path} --key ${key}`)
  appendFileSync(path, '\u2014 forged')
  const forged = await holdfast(`audit check-proof ${path} --key ${key}`)

  expect(JSON.parse(byLine.out).proof).toBe(proven.out)
  expect(checked.out).toContain('Line 2 of the 3 that audit.example/log has signed is:')
  expect(checked.out).toContain(fresh.id)
  expect([checked.code, forged.code]).toEqual([0, 1])
  expect(forged.err).toContain('proves nothing')
})

test('verify and proofs ask for the signatures of witnesses, and for enough of them', async () => {
  const { directory, key, log, fresh } = logged()
  const text = log.checkpoint()
  const keys = join(folder(), 'witnesses.txt')
  writeFileSync(keys, `${W1.verifierKey}\n${W2.verifierKey}\n`)
  const before = await holdfast(`audit verify ${directory} --key ${key} --witness ${keys}`)
  const body = text.slice(0, text.indexOf('\n\n') + 1)
  log.cosigned(text + W1.cosign(body, Date.UTC(2026, 0, 31)))
  log.append([{ partition: 1, sequence: 9, event: event(), personal: null }])
  log.checkpoint()

  const both = await holdfast(`audit verify ${directory} --key ${key} --witness ${keys}`)
  const one = await holdfast(`audit verify ${directory} --key ${key} --witness ${keys} --quorum 1`)
  const data = await holdfast(`audit verify ${directory} --witness ${W1.verifierKey} --json`)
  const plain = await holdfast(`audit prove ${directory} --event ${fresh.id}`)
  const named = `--witness ${keys} --quorum 1`
  const proven = await holdfast(`audit prove ${directory} --event ${fresh.id} ${named}`)
  const beyond = await holdfast(`audit prove ${directory} --line 3 ${named}`)
  const nobody = await holdfast(`audit prove ${directory} --line 1 --witness ${keys}`)
  const [weak, strong] = ['weak', 'strong'].map((name) => join(folder(), name))
  writeFileSync(weak ?? '', plain.out)
  writeFileSync(strong ?? '', proven.out)
  const check = (path = '', more = '') => holdfast(`audit check-proof ${path} --key ${key} ${more}`)
  const checked = await check(strong, named)

  expect([before.code, before.out]).toEqual([
    1,
    expect.stringMatching(/no checkpoint .* of 2 of the 2 witnesses .*\nNOT PROVEN: /),
  ])
  expect([both.code, one.code]).toEqual([1, 0])
  expect(one.out).toContain('the witnesses have signed 3 lines, at 2026-01-31T00:00:00.000Z.')
  expect(one.out).toContain('no witness has signed the last 1 lines (not_cosigned)')
  expect(JSON.parse(data.out).directories).toMatchObject([{ signed: 4, cosigned: 3 }])
  expect(checked.out).toContain(`${W1.name} has signed these 3 lines, at 2026-01-31T00:00:00.000Z.`)
  expect(checked.out).toContain(fresh.id)
  expect((await check(strong)).code).toBe(0)
  expect((await check(strong, `--witness ${keys}`)).err).toContain('1 of 2 witnesses have signed')
  expect((await check(weak, named)).err).toContain('0 of 1 witnesses have signed its checkpoint')
  expect(beyond.err).toContain('covers 3 lines')
  expect(nobody.err).toContain('no checkpoint of enough of these witnesses')
})

test('verify fails where a cosignature is wrong, or a checkpoint was left out', async () => {
  const { directory, key, log } = logged()
  const text = log.checkpoint()
  const body = text.slice(0, text.indexOf('\n\n') + 1)
  log.cosigned(text + W1.cosign(body, 1_000))
  const verify = () =>
    holdfast(`audit verify ${directory} --key ${key} --witness ${W1.verifierKey}`)
  const [newest, history] = ['checkpoint', 'checkpoints'].map((name) => join(directory, name))
  const all = readFileSync(history ?? '', 'utf8')

  expect((await verify()).code).toBe(0)
  writeFileSync(newest ?? '', text + W1.cosign(body.replace('\n3\n', '\n4\n'), 1_000))
  const wrong = await verify()
  writeFileSync(newest ?? '', text + W1.cosign(body, 1_000))
  writeFileSync(history ?? '', '')
  const missing = await verify()
  writeFileSync(history ?? '', all)
  const mended = await verify()
  for (const path of [newest, history]) rmSync(path ?? '')
  const unsigned = await verify()

  expect([wrong.code, missing.code]).toEqual([1, 1])
  expect(wrong.out).toContain(`the cosignature of ${W1.name} is wrong (checkpoint_invalid)`)
  expect(missing.out).toContain('some of them are missing (checkpoint_missing)')
  expect(mended.code).toBe(0)
  expect([unsigned.code, unsigned.out]).toEqual([
    1,
    expect.stringMatching(/has no checkpoint yet .*\nNOT PROVEN: /),
  ])
})

test('keys new makes the key of a witness together with its memory', async () => {
  const [key, state] = [join(folder(), 'witness.key'), join(folder(), 'witness.state')]

  const made = await holdfast(`audit keys new ${key} --name w.example --witness ${state} --json`)
  const other = await holdfast(`audit keys new ${key}2 --witness ${state}`)
  const text = readFileSync(key, 'utf8')
  const lost = await holdfast(
    `audit witness --key ${key} --state ${state}x --log ${SIGNER.verifierKey} --listen 127.0.0.1:0`,
  )

  expect(JSON.parse(made.out)).toEqual({
    ...{ file: key, state, verifierKey: cosigner(text).verifierKey },
  })
  expect(made.out).toContain('w.example+')
  expect([statSync(key).mode & 0o777, other.code]).toEqual([0o600, 1])
  expect(existsSync(`${key}2`)).toBe(false)
  expect([lost.code, lost.err]).toEqual([1, expect.stringContaining('has signed, is gone')])
})

test('show filters by time and type, and reads the personal part with the ring alone', async () => {
  const { directory, ring, old, fresh, vault } = logged()
  const ids = ({ out }: { out: string }): string[] =>
    out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).event?.id)

  const all = await holdfast(`audit show ${directory}`)
  const recent = await holdfast(
    `audit show ${directory} --since 2h --type session-established --json`,
  )
  const revoked = await holdfast(`audit show ${directory} --type session-revoked --json`)
  const personal = await holdfast(`audit show ${directory} --personal --keyring ${ring}`)
  vault.erase(ADA)
  const erased = await holdfast(`audit show ${directory} --personal --json`, {
    HOLDFAST_KEYRING: ring,
  })

  expect(all.out.split('\n')).toHaveLength(4)
  expect(ids(recent)).toEqual([fresh.id])
  expect(ids(revoked)).toEqual([old.id])
  expect(all.out).not.toContain(PERSONAL.address)
  expect(personal.out).toContain(PERSONAL.address)
  expect(erased.out).not.toContain(PERSONAL.address)
  expect(erased.out).toContain('"personal":null')
  for (const { out } of [all, recent, personal, erased]) {
    expect(out).not.toMatch(/[^\P{C}\n]|[\u2028\u2029]/u)
  }
})

test('show has what a finding quotes with the ring alone', async () => {
  const { directory, ring, log } = logged()
  log.appendFindings([
    {
      ...{ id: 'finding-1', rule: 'two_holders', severity: 'high', at: Date.now(), text: 'Text' },
      ...{ title: 'Two holders, of ada', group: {}, subject: ADA, session: 'session-1' },
      ...{ network: '203.0.113.0/24', count: 2, events: [] },
    },
  ])

  const plain = await holdfast(`audit show ${directory} --type finding`)
  const json = await holdfast(`audit show ${directory} --type finding --json`)
  const personal = await holdfast(
    `audit show ${directory} --type finding --personal --keyring ${ring}`,
  )

  expect(plain.out).toContain('finding  high  two_holders  session-1')
  for (const { out } of [plain, json]) expect(out).not.toMatch(/of ada|203\.0/)
  expect(personal.out).toContain('Two holders, of ada  203.0.113.0/24')
})

test.each([
  ['audit keys old x', 2, 'audit keys new FILE'],
  ['audit prove x', 2, '--event ID and --line N'],
  ['audit prove x --line -1', 2, '--line'],
  ['audit check-proof x', 2, '--key'],
  ['audit verify x --quorum 1', 2, 'name them with --witness'],
  [`audit verify x --witness ${W1.verifierKey} --quorum 2`, 2, '--quorum must be a whole number'],
  [`audit verify . --witness ${SIGNER.verifierKey}`, 1, 'The verifier key of the witness'],
  ['audit witness', 2, 'Name --key FILE'],
  ['audit witness --key x --state x --log x --listen here', 1, 'The key x cannot be read'],
  ['audit show x --since yesterday', 2, '--since must be'],
  ['audit show x --type nothing', 2, '--type must be one of'],
  ['audit show x --personal', 2, 'HOLDFAST_KEYRING'],
  ['audit verify /nowhere/at/all', 1, '/nowhere/at/all cannot be read'],
  ['audit show /nowhere/at/all', 1, '/nowhere/at/all'],
  ['audit prove /nowhere/at/all --line 1', 1, 'no checkpoint in /nowhere/at/all'],
  ['audit verify . --key /nowhere/at/all', 1, 'The verifier key /nowhere/at/all cannot be read'],
  ['audit keys new /nowhere/key --name a+b', 1, 'The name of a key'],
])('%s ends with %i and says how it is mended', async (args, code, hint) => {
  const done = await holdfast(args)

  expect(done.code).toBe(code)
  expect(done.err).toContain(hint)
})
