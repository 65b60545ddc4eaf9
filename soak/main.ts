import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { print, progress } from '../bench/progress.ts'
import { clusterEstate, sentinelEstate } from './estate.ts'
import { faultsStruck, holds, reportText } from './report.ts'
import { type RunReport, run } from './run.ts'
import { type ServiceProcess, startServiceProcess } from './services.ts'

const ESTATES = { sentinel: sentinelEstate, cluster: clusterEstate } as const
const SERVICES = ['first', 'second'] as const
const COMMAND = join(process.cwd(), 'packages/service/bin/holdfast.mjs')

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    seed: { type: 'string', default: '' },
    people: { type: 'string', default: '60' },
    on: { type: 'string', default: Object.keys(ESTATES).join(',') },
    busy: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
})
const { minutes, seed, people, busy, json } = values
const kinds = values.on.split(',') as (keyof typeof ESTATES)[]

for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => process.exit(130))

const reports: Record<string, RunReport> = {}
for (const kind of kinds) reports[kind] = await soaked(kind)

print(`\nSeed ${seed}, ${minutes} minutes, ${people} people, Node ${process.versions.node}.`)
for (const [kind, report] of Object.entries(reports)) print(reportText(kind, report))
if (json !== undefined) writeFileSync(json, `${JSON.stringify({ seed, minutes, reports })}\n`)
const all = Object.values(reports)
const violations = all.reduce((sum, report) => sum + report.violations.length, 0)
print(`\n${faultsStruck(all)} faults, ${violations} violations.`)
process.exit(all.every(holds) ? 0 : 1)

async function soaked(kind: keyof typeof ESTATES): Promise<RunReport> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-soak-'))
  const keyring = join(folder, 'keyring.json')
  execFileSync(process.execPath, [COMMAND, 'keys', 'new', keyring], { stdio: 'ignore' })
  const key = randomBytes(24).toString('base64url')
  progress(`starting ${kind}`)
  const estate = await ESTATES[kind]()
  const services: ServiceProcess[] = []
  let report: RunReport | undefined
  try {
    for (const name of SERVICES) {
      const store = estate.address
      services.push(
        await startServiceProcess({ command: COMMAND, folder, name, store, keyring, key }),
      )
    }
    report = await run({
      ...{ estate, services, seed, busy, people: Number(people) },
      minutes: Number(minutes) / kinds.length,
      onProgress: progress,
    })
    return report
  } finally {
    await Promise.all(services.map((service) => service.kill()))
    await estate.close()
    if (report !== undefined && holds(report)) rmSync(folder, { recursive: true, force: true })
    else progress(`the logs of the services are in ${folder}`)
  }
}
