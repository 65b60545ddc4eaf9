import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { newNoteKey } from '../../../src/audit/log/note.ts'
import { askWitness, type Witness } from '../../../src/audit/witness/ask-witness.ts'
import { consistencyProofs } from '../../../src/audit/witness/consistency.ts'
import { type Cosigner, cosigner, witnessVerifier } from '../../../src/audit/witness/cosignature.ts'
import { root } from '../../clients/programs.ts'
import { host, place, SIGNER } from '../log/support.ts'
import { grow } from '../witness/support.ts'
import { goSetting } from './go.ts'

const SOURCE = fileURLToPath(new URL('witness.go', import.meta.url))
const PROGRAM = join(root, '.cache', 'go-witness')

beforeAll(() => {
  const { status, stderr } = spawnSync('go', ['build', '-o', PROGRAM, SOURCE], {
    encoding: 'utf8',
    env: goSetting(),
  })
  if (status !== 0) throw new Error(`the witness was not built: ${stderr}`)
})

interface GoWitness extends Witness {
  /** Its key, in our implementation. */
  readonly ours: Cosigner
  /** The text of a note under its key, or what is wrong with it. */
  opens(note: string): Promise<string>
}

/** The witness of Go, under a key of ours. */
async function goWitness(): Promise<GoWitness> {
  const [name, seed] = ['go.example/witness', Buffer.from(host.random(32))]
  const ours = cosigner(newNoteKey(name, () => seed, 'witness'))
  const child = spawn(PROGRAM, { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill())
  const given = { log: SIGNER.verifierKey, name, seed: seed.toString('base64') }
  child.stdin.write(`${JSON.stringify(given)}\n`)
  for await (const port of createInterface({ input: child.stdout })) {
    const url = `http://127.0.0.1:${port}`
    return {
      ...{ url, ours, verifier: witnessVerifier(ours.verifierKey) },
      async opens(note) {
        return (await fetch(`${url}/verify`, { method: 'POST', body: note })).text()
      },
    }
  }
  throw new Error('the witness of Go did not start')
}

test('a witness of another implementation follows a log that grows, and no other', async () => {
  const witness = await goWitness()
  const { directory, open } = place()
  const log = open({ segmentBytes: 4_000 })
  const { prove } = consistencyProofs(directory)
  const asked = { prove, now: () => Date.now(), known: 0 }

  for (const lines of [1, 1, 2, 3, 4, 5, 8, 13, 21, 64, 63, 1]) {
    grow(log, lines)
    expect(await askWitness(witness, { ...asked, note: log.checkpoint() })).toMatchObject({
      is: 'cosigned',
    })
  }
  const forged = place()
  const other = forged.open()
  grow(other, 300)
  const question = { ...asked, note: other.checkpoint(), ...consistencyProofs(forged.directory) }

  expect(await askWitness(witness, question)).toMatchObject({ is: 'refused' })
})

test('the implementation of Go verifies our cosignatures, with the time in them', async () => {
  const { opens, ours } = await goWitness()
  const text = `audit.example/log\n7\n${Buffer.alloc(32, 1).toString('base64')}\n`
  const note = SIGNER.sign(text)
  const line = ours.cosign(text, Date.UTC(2026, 0, 31))
  const stranger = cosigner(newNoteKey(ours.name, host.random, 'witness'))

  expect(await opens(note + line)).toBe(text)
  expect(await opens(note.replace('\n7\n', '\n8\n') + line)).toMatch(/invalid signature/)
  expect(await opens(note + stranger.cosign(text, 1_000))).toMatch(/no verifiable signatures/)
})
