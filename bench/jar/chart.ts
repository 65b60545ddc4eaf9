import type { Bucket, Summary } from './summary.ts'

const WIDTH = 640
const HEIGHT = 320
const LEFT = 56
const RIGHT = 16
const TOP = 44
const BOTTOM = 48
const UNTIL_S = 40

/**
 * Share of kills that lose the last `Set-Cookie`, by the seconds between the two; with what the 30
 * s rule expects.
 */
export function chart({ byDelay, chromium }: Summary): string {
  const x = (seconds: number): number => round(LEFT + (seconds / UNTIL_S) * (WIDTH - LEFT - RIGHT))
  const y = (share: number): number => round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM))

  const grid = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<line class="grid" x1="${LEFT}" y1="${y(share)}" x2="${WIDTH - RIGHT}" y2="${y(share)}"/>` +
      `<text x="${LEFT - 8}" y="${y(share) + 4}" text-anchor="end">${share * 100} %</text>`,
  )
  const ticks = [0, 10, 20, 30, 40].map(
    (seconds) =>
      `<text x="${x(seconds)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${seconds}</text>`,
  )
  const points = (name: string, buckets: readonly Bucket[], aside: number): readonly string[] =>
    buckets
      .filter(({ n }) => n > 0)
      .map(({ fromS, toS, share, low, high, n }) => {
        const at = x((fromS + toS) / 2) + aside
        return (
          `<g class="${name}"><title>${fromS} to ${toS} s: ${round(share * 100)} % of ${n}` +
          '</title>' +
          `<line x1="${at}" y1="${y(low)}" x2="${at}" y2="${y(high)}"/>` +
          `<circle cx="${at}" cy="${y(share)}" r="4"/></g>`
        )
      })

  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
      'role="img" aria-labelledby="title">',
    `<title id="title">Kills that lose the last Set-Cookie, by the seconds in between</title>`,
    STYLE,
    `<rect class="ground" width="${WIDTH}" height="${HEIGHT}" rx="6"/>`,
    ...legend(),
    ...grid,
    ...ticks,
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">` +
      `seconds from the last Set-Cookie to the kill (Chromium ${chromium}; bars: 95 %)</text>`,
    `<polyline class="alone rule" ` +
      `points="${x(0)},${y(1)} ${x(30)},${y(1)} ${x(30)},${y(0)} ${x(40)},${y(0)}"/>`,
    `<polyline class="steady rule" points="${x(0)},${y(1)} ${x(30)},${y(0)}"/>`,
    ...points('alone', byDelay.alone, -4),
    ...points('steady', byDelay.steady, 4),
    '</svg>',
  ].join('\n')}\n`
}

function legend(): readonly string[] {
  return [
    `<g class="alone"><circle cx="${LEFT + 6}" cy="20" r="4"/>` +
      `<text x="${LEFT + 16}" y="24">one Set-Cookie alone</text></g>`,
    `<g class="steady"><circle cx="${LEFT + 186}" cy="20" r="4"/>` +
      `<text x="${LEFT + 196}" y="24">a Set-Cookie every second or two</text></g>`,
    `<g><line class="key rule" x1="${LEFT + 420}" y1="20" x2="${LEFT + 446}" y2="20"/>` +
      `<text x="${LEFT + 452}" y="24">commit after 30 s</text></g>`,
  ]
}

const STYLE = `<style>
text { font: 12px system-ui, sans-serif; fill: #333 }
.ground { fill: #fff }
.grid { stroke: #ddd }
.alone line, .alone.rule { stroke: #b3400a } .alone circle { fill: #b3400a }
.steady line, .steady.rule { stroke: #0b62a8 } .steady circle { fill: #0b62a8 }
.key { stroke: #666 }
.rule { fill: none; stroke-dasharray: 5 4 }
@media (prefers-color-scheme: dark) {
text { fill: #ddd }
.ground { fill: #16181c }
.grid { stroke: #3a3d44 }
.alone line, .alone.rule { stroke: #f59b6b } .alone circle { fill: #f59b6b }
.steady line, .steady.rule { stroke: #6bb7f5 } .steady circle { fill: #6bb7f5 }
.key { stroke: #aaa }
}
</style>`

function round(value: number): number {
  return Math.round(value * 10) / 10
}
