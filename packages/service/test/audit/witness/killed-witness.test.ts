import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { signCheckpoint } from '../../../src/audit/log/checkpoint.ts'
import { newNoteKey } from '../../../src/audit/log/note.ts'
import {
  consistencyRanges,
  type Hash,
  leafHash,
  merkleTree,
  rangeHashes,
} from '../../../src/audit/log/tree.ts'
import {
  cosignaturesOn,
  cosigner,
  witnessVerifier,
} from '../../../src/audit/witness/cosignature.ts'
import { requestText } from '../../../src/audit/witness/request.ts'
import { createWitnessState } from '../../../src/audit/witness/witness.ts'
import { folder } from '../../support.ts'
import { host, SIGNER } from '../log/support.ts'
import { ask } from './support.ts'

const COMMAND = fileURLToPath(new URL('../../../bin/holdfast.mjs', import.meta.url))
const BUILT = fileURLToPath(new URL('../../../dist/cli/audit-witness.js', import.meta.url))
const KILLS = 8
const MOST_LINES = 400

beforeAll(() => {
  if (!existsSync(BUILT))
    throw new Error('These tests run what "npm run build" makes: build first.')
})

/** Two histories of one log that are the same up to a line. */
function histories() {
  const leaves = ['a', 'b'].map((which) =>
    Array.from({ length: MOST_LINES }, (_, at) =>
      leafHash(Buffer.from(at < 5 ? `${at}` : which + at)),
    ),
  )
  const trees = leaves.map((all) => {
    const tree = merkleTree()
    return [
      tree.root(),
      ...all.map((leaf) => {
        tree.add(leaf)
        return tree.root()
      }),
    ]
  })
  return {
    rootOf: (which: number, size: number): Hash => trees[which]?.[size] ?? Buffer.alloc(0),
    checkpoint: (which: number, size: number): string =>
      signCheckpoint(
        { origin: SIGNER.name, size, root: trees[which]?.[size] ?? Buffer.alloc(0) },
        SIGNER,
      ),
    proof(which: number, from: number, size: number): readonly Hash[] {
      if (from === 0 || from >= size) return []
      const path = rangeHashes(consistencyRanges(from, size))
      for (const [at, leaf] of (leaves[which] ?? []).slice(0, size).entries()) path.add(at, leaf)
      return path.hashes()
    },
  }
}

function installation() {
  const [key, state] = [join(folder(), 'witness.key'), join(folder(), 'witness.state')]
  const text = newNoteKey('witness.example/killed', host.random, 'witness')
  writeFileSync(key, `${text}\n`, { mode: 0o600 })
  createWitnessState(state, cosigner(text))
  const options = ['--key', key, '--log', SIGNER.verifierKey, '--state', state]

  return {
    verifier: witnessVerifier(cosigner(text).verifierKey),
    /** The command, listening. */
    async start(): Promise<{ child: ChildProcess; url: string }> {
      const args = [COMMAND, 'audit', 'witness', ...options, '--listen', '127.0.0.1:0', '--json']
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      onTestFinished(() => void child.kill('SIGKILL'))
      for await (const line of createInterface({ input: child.stdout })) {
        return { child, url: JSON.parse(line).url }
      }
      throw new Error('the witness did not start')
    },
  }
}

test(`a witness killed ${KILLS} times, asked for two histories at once, signs one`, async () => {
  const { verifier, start } = installation()
  const log = histories()
  const signed: { which: number; size: number }[] = []
  const last = [0, 0]

  /** Asks for one history until the witness is gone, from where it says that it is. */
  async function press(url: string, which: number, onAnswer: () => void): Promise<void> {
    let old = last[which] ?? 0
    for (let step = 0; ; step++) {
      const size = Math.min(old + 1 + ((step * 7) % 3), MOST_LINES)
      const checkpoint = log.checkpoint(which, size)
      const body = requestText({ old, proof: log.proof(which, old, size), checkpoint })
      const answer = await ask(url, body).catch(() => undefined)
      if (answer === undefined) return
      if (answer.status === 200) {
        expect(cosignaturesOn(checkpoint + answer.text, [verifier])).toMatchObject({ ok: true })
        signed.push({ which, size })
        old = size
      } else if (answer.status === 409) old = Number(answer.text)
      last[which] = old
      onAnswer()
    }
  }

  for (let kill = 1; kill <= KILLS; kill++) {
    // Two processes on one memory: a second one was started by mistake.
    const two = [await start(), await start()]
    const gone = two.map(({ child }) => once(child, 'exit'))
    let answers = 0
    const onAnswer = (): void => {
      answers++
      // Others are on their way: this hits it anywhere.
      if (answers === 10 + kill) for (const { child } of two) child.kill('SIGKILL')
    }
    await Promise.all(two.flatMap(({ url }) => [press(url, 0, onAnswer), press(url, 1, onAnswer)]))
    await Promise.all(gone)
  }

  // Those of up to five lines are of both histories.
  const roots = new Map<number, string>()
  for (const { which, size } of signed) {
    const root = log.rootOf(which, size).toString('base64')
    expect(roots.get(size) ?? root).toBe(root)
    roots.set(size, root)
  }
  const beyond = new Set(signed.filter(({ size }) => size > 5).map(({ which }) => which))
  expect(beyond.size).toBe(1)
  expect(signed.length).toBeGreaterThan(KILLS)
})

test('it ends at SIGTERM, and goes on from what it has signed', async () => {
  const { start } = installation()
  const log = histories()
  const first = await start()
  const begin = requestText({ old: 0, proof: [], checkpoint: log.checkpoint(0, 9) })
  expect((await ask(first.url, begin)).status).toBe(200)

  first.child.kill('SIGTERM')
  const [code] = await once(first.child, 'exit')
  const second = await start()

  expect(code).toBe(0)
  expect(await ask(second.url, begin)).toMatchObject({ status: 409, text: '9\n' })
})
