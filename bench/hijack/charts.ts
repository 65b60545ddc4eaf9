import type { Measured, Results } from './study.ts'
import { nameOf, percent, rate } from './tables.ts'

/** Pictures by name, readable on light and dark grounds. */
export function charts(results: Results): Readonly<Record<string, string>> {
  return { 'hijack-engines': engineChart(results), 'hijack-curve': curveChart(results) }
}

const WIDTH = 720
const STYLE = `<style>
  svg { font: 12px system-ui, sans-serif; fill: #24292f; }
  .ground { fill: #ffffff; } .grid { stroke: #d0d7de; } .quiet { fill: #57606a; }
  .ours { fill: #0a7d4b; stroke: #0a7d4b; } .others { fill: #b35900; stroke: #b35900; }
  .second { fill: #0550ae; stroke: #0550ae; } .third { fill: #8250df; stroke: #8250df; }
  .line { fill: none; stroke-width: 2; } .key { stroke: none; }
  @media (prefers-color-scheme: dark) {
    svg { fill: #e6edf3; }
    .ground { fill: #0d1117; } .grid { stroke: #30363d; } .quiet { fill: #8d96a0; }
    .ours { fill: #3fb97f; stroke: #3fb97f; } .others { fill: #f0883e; stroke: #f0883e; }
    .second { fill: #58a6ff; stroke: #58a6ff; } .third { fill: #bc8cff; stroke: #bc8cff; }
  }
</style>`

/** A row an engine: what it costs (logarithmic) and how many A2 it stops at the first request. */
function engineChart({ engines }: Results): string {
  const rows = engines.filter(({ nominal }) => nominal.levels.A2 !== undefined)
  const [top, step] = [66, 26]
  const height = top + rows.length * step + 14
  const [left, middle, right] = [236, 470, 496]
  const cost = (value: number): number =>
    left + ((Math.log10(Math.max(0.01, value)) + 2) / 4.3) * (middle - left)
  const share = (value: number): number => right + value * (WIDTH - 46 - right)

  const body = rows.map((one, at) => {
    const y = top + at * step
    const mark = isOurs(one) ? 'ours' : 'others'
    const stopped = one.nominal.levels.A2?.atFirst.share ?? 0
    const { mean } = one.nominal.falseStepUps
    return [
      `<text x="${left - 10}" y="${y + 4}" text-anchor="end">${escaped(nameOf(one))}</text>`,
      `<circle class="${mark}" cx="${round(cost(mean))}" cy="${y}" r="5"/>` +
        `<text class="quiet" x="${round(cost(mean)) + 9}" y="${y + 4}">${rate(mean)}</text>`,
      `<rect class="${mark}" x="${right}" y="${y - 7}" ` +
        `width="${round(Math.max(1, share(stopped) - right))}" height="14"/>`,
      `<text x="${round(share(stopped)) + 5}" y="${y + 4}">${percent(stopped)} %</text>`,
    ].join('')
  })
  const grid = [0.01, 0.1, 1, 10, 100].map((value) => {
    const x = round(cost(value))
    return (
      `<line class="grid" x1="${x}" y1="${top - 14}" x2="${x}" y2="${height - 10}"/>` +
      `<text class="quiet" x="${x}" y="${top - 20}" text-anchor="middle">${value}</text>`
    )
  })
  return svg(
    height,
    'What each check costs, and how many full clones from abroad it stops at the first request',
    [
      `<text x="${left}" y="24">false step-ups a user and month</text>`,
      `<text x="${WIDTH - 12}" y="24" text-anchor="end">A2 stopped at request 1</text>`,
      ...grid,
      ...body,
    ],
  )
}

/** Detection over disturbance, as thresholds move. */
function curveChart({ curves }: Results): string {
  const [height, left, top, bottom] = [340, 60, 30, 50]
  const x = (value: number): number =>
    round(left + ((Math.log10(Math.max(0.01, value)) + 2) / 3) * (WIDTH - left - 40))
  const y = (share: number): number => round(height - bottom - share * (height - top - bottom))
  const grid = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<line class="grid" x1="${left}" y1="${y(share)}" x2="${WIDTH - 40}" y2="${y(share)}"/>` +
      `<text class="quiet" x="${left - 8}" y="${y(share) + 4}" ` +
      `text-anchor="end">${share * 100} %</text>`,
  )
  const ticks = [0.01, 0.1, 1, 10].map(
    (value) =>
      `<text class="quiet" x="${x(value)}" y="${height - bottom + 18}" ` +
      `text-anchor="middle">${value}</text>`,
  )
  const lines = [...new Set(curves.map(({ spec }) => spec.engine))].map((engine, at) => {
    const points = curves
      .filter(({ spec, summary }) => spec.engine === engine && summary.falseStepUps.mean <= 10)
      .map(({ spec, summary }) => ({
        threshold: spec.threshold,
        at: x(summary.falseStepUps.mean),
        up: y(summary.levels.A2?.atFirst.share ?? 0),
      }))
      .sort((a, b) => (b.threshold ?? 0) - (a.threshold ?? 0))
    const mark = ['ours', 'second', 'third', 'others'][at] ?? 'others'
    return [
      `<polyline class="${mark} line" ` +
        `points="${points.map(({ at, up }) => `${at},${up}`).join(' ')}"/>`,
      ...points.map(
        ({ threshold, at, up }) =>
          `<circle class="${mark}" cx="${at}" cy="${up}" r="4">` +
          `<title>${escaped(engine)}, threshold ${threshold}</title></circle>`,
      ),
      `<text class="${mark} key" x="${WIDTH - 44}" y="${height - bottom - 16 - at * 18}" ` +
        `text-anchor="end">${escaped(engine)}</text>`,
    ].join('')
  })
  return svg(
    height,
    'Full clones from abroad stopped at the first request, over false step-ups a user and month',
    [
      ...grid,
      ...ticks,
      `<text x="${(WIDTH + left) / 2}" y="${height - 10}" text-anchor="middle">false step-ups a ` +
        'user and month (logarithmic)</text>',
      ...lines,
    ],
  )
}

function svg(height: number, title: string, parts: readonly string[]): string {
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
      'role="img" aria-labelledby="title">',
    `<title id="title">${title}</title>`,
    STYLE,
    `<rect class="ground" width="${WIDTH}" height="${height}" rx="6"/>`,
    ...parts,
    '</svg>',
  ].join('\n')}\n`
}

function isOurs({ spec }: Pick<Measured, 'spec'>): boolean {
  return spec.engine.startsWith('Holdfast')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
