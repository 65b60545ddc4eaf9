import { costPart } from './audit/cost.ts'
import { theftsPart } from './audit/thefts.ts'
import { among } from './only.ts'
import type { Part } from './part.ts'

const HALVES = { thefts: theftsPart, cost: costPart } as const
const NAMES = ['thefts', 'cost'] as const

/** Measures what the audit log is for, an alert that comes at once, and what it costs. */
export const auditPart: Part = async (bench) => {
  const measured = []
  for (const name of NAMES.filter((one) => among(bench.only, NAMES, one)))
    measured.push(await HALVES[name](bench))
  return {
    tables: measured.flatMap(({ tables = [] }) => tables),
    goals: measured.flatMap(({ goals }) => goals),
  }
}
