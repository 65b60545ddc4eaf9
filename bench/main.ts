import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { auditPart } from './audit.ts'
import { coldPart } from './cold.ts'
import { importFloor } from './floor.ts'
import { type Goal, isJudged, judgedTable, promisedTable, unmetReasons } from './goals.ts'
import { growthPart } from './growth.ts'
import { hijackPart } from './hijack.ts'
import { peoplePart, sensitivityPart, trainingPart } from './hijack-tuning.ts'
import { jarPart } from './jar.ts'
import { memoryPart } from './memory.ts'
import { offlinePart } from './offline.ts'
import { httpPart } from './over-http.ts'
import type { Part, Results } from './part.ts'
import { processesPart } from './processes.ts'
import { print, progress } from './progress.ts'
import { redisServer } from './redis-server.ts'
import { refreshPart } from './refresh.ts'
import { machine, writeJson, writeReadme } from './report.ts'
import { revocationPart } from './revocation.ts'
import { rotationPart } from './rotation.ts'
import { searchPart } from './search.ts'
import { servicePart } from './service.ts'
import { signalsPart } from './signals.ts'
import { subjectsPart } from './subjects.ts'
import { table } from './table.ts'
import { verifyPart } from './verify.ts'

const PARTS: Readonly<Record<string, Part>> = {
  verify: verifyPart,
  memory: memoryPart,
  refresh: refreshPart,
  subjects: subjectsPart,
  cold: coldPart,
  http: httpPart,
  service: servicePart,
  processes: processesPart,
  growth: growthPart,
  offline: offlinePart,
  revocation: revocationPart,
  audit: auditPart,
  search: searchPart,
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
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => process.exit(130))

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    only: { type: 'string', default: '' },
    readme: { type: 'boolean', default: false },
  },
})
const goals: Goal[] = []
const tables: Results[] = []
const broken: string[] = []

const floor = await importFloor()
print(`${machine()}.`)
if ('absent' in floor) print(`Rows and goals over the floor are not measured: ${floor.absent}.`)
for (const [name, part] of Object.entries(PARTS)) {
  if (wanted.length > 0 ? !wanted.includes(name) : BY_NAME.includes(name)) continue
  progress(name)
  try {
    const measured = await part({
      folder: mkdtempSync(join(folder, `${name}-`)),
      startRedis: () => redisServer(folder),
      byName: wanted.includes(name),
      only: options.only
        .toLowerCase()
        .split(',')
        .filter((word) => word !== ''),
    })
    for (const one of measured.tables ?? []) printResults(one)
    tables.push(...(measured.tables ?? []))
    goals.push(...measured.goals)
    if (measured.failed === true) broken.push(name)
  } catch (error) {
    print(`\nFAILED: ${name}: ${error instanceof Error ? error.message : String(error)}`)
    broken.push(name)
  }
}

const judged = goals.filter(isJudged)
const promised = goals.filter((goal) => !isJudged(goal))
const unmet = unmetReasons(judged)
if (promised.length > 0)
  print(`\nEarlier promises, which judge nothing\n\n${promisedTable(promised)}`)
if (judged.length > 0) print(`\nGoals\n\n${judgedTable(judged)}`)
if (unmet.length > 0) print(`\nThese goals fail the run:\n\n${lines(unmet)}`)
if (broken.length > 0) print(`\nWrong answers or failures in: ${broken.join(', ')}`)
if (options.json !== undefined) writeJson(options.json, { tables, goals })
if (options.readme && broken.length === 0) writeReadme(tables, wanted)
process.exit(broken.length === 0 && unmet.length === 0 ? 0 : 1)

function printResults({ title, head, rows, notes = [] }: Results): void {
  print(`\n${title}\n\n${table(head, rows)}`)
  if (notes.length > 0) print(`\n${lines(notes)}`)
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `  ${text}`).join('\n')
}
