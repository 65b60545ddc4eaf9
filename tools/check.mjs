import { join } from 'node:path'
import { build } from './build.mjs'
import { boundaries } from './check/boundaries.mjs'
import { columns } from './check/columns.mjs'
import { docsIndex } from './check/docs-index.mjs'
import { docExamples } from './check/examples.mjs'
import { exportsDocumented, rootExports } from './check/exports.mjs'
import { errorCodesUsed, generatedDocs } from './check/generated-docs.mjs'
import { packageContents } from './check/package-contents.mjs'
import { wireDescribedOnce } from './check/wire.mjs'
import { forbiddenWords } from './check/words.mjs'
import { outputOf, runBin } from './run.mjs'
import { setup } from './setup.mjs'

/** Each answers its findings, one a line; none is a pass. */
const CHECKS = {
  'format and lint': () => program('biome', ['check', '--error-on-warnings', '--colors=off']),
  'lines of at most 100 columns': columns,
  types: () => program('tsc', ['-p', 'tsconfig.json', '--pretty', 'false']),
  'purity of core, signals, policies and wire': () =>
    program('tsc', ['-p', join('packages', 'holdfast', 'tsconfig.pure.json'), '--pretty', 'false']),
  boundaries,
  'what travels is described once': wireDescribedOnce,
  build: compiled,
  'exports and their documentation': exportsDocumented,
  'exports of the root entry': rootExports,
  'error codes in use': errorCodesUsed,
  'generated pages': generatedDocs,
  'index of the documentation': docsIndex,
  'examples of the documents': docExamples,
  'package contents': packageContents,
  'unused code and dependencies': () => program('knip', ['--no-progress']),
  'forbidden words': forbiddenWords,
}

await setup()

const wanted = process.argv.slice(2)
let failed = 0
for (const [name, check] of Object.entries(CHECKS)) {
  if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue
  const started = performance.now()
  const findings = await findingsOf(check)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const verdict = findings.length === 0 ? 'ok  ' : 'FAIL'
  process.stdout.write(`${verdict}  ${name} (${seconds} s)\n`)
  for (const finding of findings) process.stdout.write(`      ${finding}\n`)
  if (findings.length > 0) failed++
}
process.stdout.write(failed === 0 ? '\nAll checks passed.\n' : `\n${failed} checks failed.\n`)
process.exit(failed === 0 ? 0 : 1)

/** A check that cannot be carried out has not passed. */
async function findingsOf(check) {
  try {
    return await check()
  } catch (error) {
    return [error.message]
  }
}

async function program(name, args) {
  const result = await runBin(name, args)
  return result.code === 0 ? [] : outputOf(result).split('\n')
}

async function compiled() {
  try {
    await build({ say: () => {} })
    return []
  } catch (error) {
    return error.message.split('\n')
  }
}
