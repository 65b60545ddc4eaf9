import { table } from '../table.ts'
import { LEVELS } from './attackers.ts'
import type { Measured, Results } from './study.ts'
import type { LevelSummary, Summary } from './summary.ts'

/** All that can be met: the owner of an A6 is never there. */
export const COLUMNS = LEVELS.filter((level) => level !== 'A6')

/** Detected and stopped at the first request, in percent, by engine and level. */
export function attackTable({ engines, rotation }: Results): string {
  return table(
    ['detected / stopped at request 1, %', ...COLUMNS],
    [...engines, ...rotation].map((one) => [
      nameOf(one),
      ...COLUMNS.map((level) => cell(one.nominal.levels[level])),
    ]),
  )
}

/** What it costs rightful users. */
export function falseTable({ engines, rotation }: Results): string {
  return table(
    [
      'false step-ups a user and month',
      'nominal',
      '95 %',
      'stress',
      '95 %',
      'users asked, %',
      'gate, nominal',
    ],
    [...engines, ...rotation].map((one) => [
      nameOf(one),
      rate(one.nominal.falseStepUps.mean),
      span(one.nominal),
      rate(one.stress.falseStepUps.mean),
      span(one.stress),
      percent(one.nominal.usersHit.share),
      rate(one.nominal.gated.mean),
    ]),
  )
}

export function nameOf({ spec: { engine, threshold } }: Pick<Measured, 'spec'>): string {
  return threshold === undefined ? engine : `${engine} to ${Number(threshold.toFixed(1))}`
}

function span({ falseStepUps: { low, high } }: Summary): string {
  return `${rate(low)} to ${rate(high)}`
}

export function rate(mean: number): string {
  if (Number.isNaN(mean)) return '-'
  return mean >= 10 ? mean.toFixed(0) : mean >= 1 ? mean.toFixed(1) : mean.toFixed(3)
}

export function cell(level: LevelSummary | undefined): string {
  return level === undefined
    ? ''
    : `${percent(level.detected.share)}/${percent(level.atFirst.share)}`
}

/** 99.6 is not 100, and 0.4 is not 0. */
export function percent(share: number): string {
  const value = share * 100
  return (value > 99 && value < 100) || (value > 0 && value < 1)
    ? value.toFixed(1)
    : value.toFixed(0)
}
