import type { Crew } from './crew.ts'
import type { Row } from './job.ts'
import type { WorldName } from './rates.ts'
import { type Summary, summary } from './summary.ts'

/**
 * Rightful users alone under Holdfast as shipped, as many as rare things and small cohorts need.
 */
export interface Multitude {
  readonly nominal: Summary
  readonly stress: Summary
}

const PEOPLE = 2000
const AT_ONCE = 200

export async function multitude(
  crew: Crew,
  seed: string,
  say: (what: string) => void,
): Promise<Multitude> {
  const rowsOf = async (world: WorldName): Promise<Summary> => {
    const rows: Row[] = []
    for (let from = 0; from < PEOPLE; from += AT_ONCE) {
      say(`${world}: ${from} of ${PEOPLE} people`)
      const until = from + AT_ONCE
      const spec = { engine: 'Holdfast' }
      const job = { purpose: 'reporting', seed, world, spec, from, until, levels: [] } as const
      rows.push(...(await crew.run(job)))
    }
    return summary(rows)
  }
  return { nominal: await rowsOf('nominal'), stress: await rowsOf('stress') }
}
