import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chart } from './jar/chart.ts'
import { CHROMIUM } from './jar/chromium.ts'
import { percent, range } from './jar/figures.ts'
import { measure } from './jar/measure.ts'
import { MEASURED, planRounds, seeded } from './jar/plan.ts'
import { type Summary, summarise } from './jar/summary.ts'
import type { Part } from './part.ts'
import { print } from './progress.ts'
import { table } from './table.ts'

const SEED = 1

/** A round is mostly waiting. The limit is how many browsers two cores can start. */
const PROFILES = 14

/** Measures how often Chromium's cookie jar loses the newest `Set-Cookie`. */
export const jarPart: Part = async ({ folder }) => {
  if (process.platform !== 'linux' || !existsSync(CHROMIUM)) {
    throw new Error(`There is no ${CHROMIUM} on a Linux. Install the Debian package "chromium".`)
  }
  const { findings, failures } = await measure(planRounds(seeded(SEED)), {
    folder,
    profiles: PROFILES,
  })
  const summary = summarise(findings, {
    chromium:
      /[\d.]+/.exec(execFileSync(CHROMIUM, ['--version'], { stdio: 'pipe' }).toString())?.[0] ??
      '?',
    platform: `${process.platform} ${process.arch}`,
    seed: SEED,
    profiles: PROFILES,
    brokenRounds: failures.length,
  })
  show(summary)
  mkdirSync(MEASURED, { recursive: true })
  const file = join(MEASURED, 'jar-rollback')
  writeFileSync(`${file}.json`, `${JSON.stringify(summary, null, 2)}\n`)
  writeFileSync(`${file}.svg`, chart(summary))
  print(`\n${file}.json and .svg are written.`)
  return { goals: [] }
}

function show({ chromium, cases, interval: rule, sessionCookie, brokenRounds }: Summary): void {
  print(`\nChromium ${chromium}: ends after the last Set-Cookie, and what came back\n`)
  print(
    table(
      ['end', 'n', 'lost it', '95 %', 'older one', 'none'],
      cases.map((of) => [
        of.name,
        String(of.n),
        percent(of.share),
        range(of),
        String(of.rolledBack),
        String(of.noCookie),
      ]),
    ),
  )
  print(
    `\n"A commit 30 s after the first change that waits" names the generation that came back in ` +
      `${rule.exact} of ${rule.n} kills and crashes.`,
  )
  print(
    `One Set-Cookie alone was lost up to ${rule.longestLostS} s after it, and safe from ` +
      `${rule.soonestKeptS} s on. Rounds that broke off and were repeated: ${brokenRounds}.`,
  )
  for (const [name, { n, kept, rolledBack, noCookie }] of Object.entries(sessionCookie)) {
    print(`Session cookie, ${name}: ${kept} kept, ${rolledBack} older, ${noCookie} gone, of ${n}.`)
  }
}
