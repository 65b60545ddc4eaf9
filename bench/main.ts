import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { servicePart } from './authority.ts'
import { coldPart } from './cold.ts'
import { type Goal, goalsTable } from './goals.ts'
import { hijackPart } from './hijack.ts'
import { peoplePart, sensitivityPart, trainingPart } from './hijack-tuning.ts'
import { jarPart } from './jar.ts'
import { memoryPart } from './memory.ts'
import { offlinePart } from './offline.ts'
import { httpPart } from './over-http.ts'
import type { Part } from './part.ts'
import { print, progress } from './progress.ts'
import { redisServer } from './redis-server.ts'
import { refreshPart } from './refresh.ts'
import { revocationPart } from './revocation.ts'
import { rotationPart } from './rotation.ts'
import { signalsPart } from './signals.ts'
import { subjectsPart } from './subjects.ts'
import { verifyPart } from './verify.ts'

const PARTS: Readonly<Record<string, Part>> = {
  verify: verifyPart,
  memory: memoryPart,
  refresh: refreshPart,
  subjects: subjectsPart,
  cold: coldPart,
  http: httpPart,
  service: servicePart,
  offline: offlinePart,
  revocation: revocationPart,
  hijack: hijackPart,
  'hijack-training': trainingPart,
  'hijack-people': peoplePart,
  'hijack-sensitivity': sensitivityPart,
  jar: jarPart,
  rotation: rotationPart,
  signals: signalsPart,
}

/** Parts that run only by their name: they measure no cost of a session, and take minutes. */
const BY_NAME = [
  'hijack',
  'hijack-training',
  'hijack-people',
  'hijack-sensitivity',
  'jar',
  'rotation',
]

const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const wanted = process.argv.slice(2)
const goals: Goal[] = []
const broken: string[] = []

print(`Node ${process.versions.node}, ${availableParallelism()} cores.`)
for (const [name, part] of Object.entries(PARTS)) {
  if (wanted.length > 0 ? !wanted.includes(name) : BY_NAME.includes(name)) continue
  progress(name)
  try {
    const { goals: more, failed = false } = await part({
      folder: mkdtempSync(join(folder, `${name}-`)),
      startRedis: () => redisServer(folder),
    })
    goals.push(...more)
    if (failed) broken.push(name)
  } catch (error) {
    print(`\nFAILED: ${name}: ${error instanceof Error ? error.message : String(error)}`)
    broken.push(name)
  }
}

if (goals.length > 0) print(`\nGoals\n\n${goalsTable(goals)}`)
if (broken.length > 0) print(`\nWrong answers or failures in: ${broken.join(', ')}`)
process.exit(broken.length === 0 ? 0 : 1)
