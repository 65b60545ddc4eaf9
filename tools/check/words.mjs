import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from '../run.mjs'
import { textOf } from './sources.mjs'

/** What no file of the repository may say, and why. */
const FORBIDDEN = [
  { pattern: /(?<![\w./])\/(?:work|home|root|Users)\/\w/, why: 'a path of one machine' },
  { pattern: /\bregistry\.[a-z]+\.(?:org|com)\b/, why: 'a download host' },
  { pattern: /\b(?:T[O]DO|F[I]XME|X[X]X)\b/, why: 'unfinished work' },
  { pattern: /(?:biome|eslint|prettier)-(?:ignore|disable)/, why: 'a suppressed check' },
  { pattern: /@ts-(?:ignore|nocheck)/, why: 'a suppressed check' },
  { pattern: /\b(?:test|it|describe)\.(?:only|skip|todo)\(/, why: 'a test that does not run' },
]

const TEXT =
  /\.(?:ts|mts|js|mjs|json|md|html|css|svg|yaml|yml|txt)$|(?:^|\/)(?:LICENSE|NOTICE|run|[^./]+)$/

export async function forbiddenWords() {
  const listed = await run('git', ['ls-files', '-co', '--exclude-standard'])
  if (listed.code !== 0) return [`git cannot list the files: ${listed.stderr.trim()}`]
  const findings = []
  for (const path of listed.stdout.split('\n').filter((name) => TEXT.test(name))) {
    // This file names them; a deleted file that git still lists has nothing to say.
    if (path === 'tools/check/words.mjs' || !existsSync(join(root, path))) continue
    findings.push(...findingsIn(path))
  }
  for (const folder of ['', 'bench/peers/', 'tools/mutation/', 'tools/site/']) {
    const path = `${folder}package-lock.json`
    const lock = JSON.parse(textOf(path))
    for (const [name, { resolved }] of Object.entries(lock.packages)) {
      if (/^https?:/.test(resolved ?? '')) findings.push(`${path}: ${name} names its host`)
    }
  }
  return findings
}

function findingsIn(path) {
  const findings = []
  for (const [at, line] of textOf(path).split('\n').entries()) {
    for (const { pattern, why } of FORBIDDEN) {
      if (pattern.test(line))
        findings.push(`${path}:${at + 1}: ${why}: ${line.trim().slice(0, 100)}`)
    }
  }
  return findings
}
