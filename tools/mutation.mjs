import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { isWeak, printed, resultOf, untested } from './mutation/report.mjs'
import { SECURITY_CRITICAL, testsFor } from './mutation/targets.mjs'
import { fail, outputOf, root, run } from './run.mjs'
import { installBeside, setup } from './setup.mjs'

/** Per cent of its mutants that the tests of a security-critical file have to notice. */
const LEAST_SCORE = 85
const DEFAULT_MINUTES = 60
const BASE = 'main'

const HELP = `npm run mutation [-- FILE ...] [-- --changed [BASE]]

Changes source files in small ways, one at a time, and shows which changes no test notices.

  FILE ...          source files, as paths from the root or below packages/holdfast/src
  --changed [BASE]  source files that differ, committed or not, from where this branch left BASE
                    (default: ${BASE})
  (nothing)         the ${SECURITY_CRITICAL.length} security-critical files

  --minutes N       stop after so long and say what was not reached (default ${DEFAULT_MINUTES})
  --static          also what runs once, while a file is loaded: constants, tables, patterns
  --fresh           forget earlier results, for example when a helper of the tests has changed
  --concurrency N   mutants tested at the same time (default 1)

Fails where less than ${LEAST_SCORE} % of the mutants of a security-critical file are noticed.
Results are kept in .cache/mutation: a second run tests what has changed since.
What may survive, and why, is in tools/mutation/survivors.json; which tests belong to a file, in
tools/mutation/targets.mjs.
`

/** Added to the time that the tests took: a slow machine must not pass for an endless loop. */
const TIMEOUT_MS = 30_000

const TOOL = join(root, 'tools', 'mutation')
const CACHE = join('.cache', 'mutation')

/** What no test of a mutated file reads: it need not be copied for each run. */
const NOT_COPIED = ['dist', '.cache', '.holdfast', 'docs', 'examples', 'bench/peers', '*.mmdb']

const wanted = argumentsOf(process.argv.slice(2))
if (wanted.help) {
  process.stdout.write(HELP)
  process.exit(0)
}

await setup()
// Its peer is vitest, the one that the tests run with.
await installBeside(TOOL, 'Installing the mutation tester (once, about a minute) ...', {
  flags: ['--omit=peer'],
})
const gone = SECURITY_CRITICAL.filter((file) => !existsSync(join(root, file)))
if (gone.length > 0) fail(`tools/mutation/targets.mjs names what is gone: ${gone.join(', ')}`)
const files = await filesOf(wanted)
if (files.length === 0) {
  process.stdout.write('No source file has changed.\n')
  process.exit(0)
}
mkdirSync(join(root, CACHE), { recursive: true })
const excuses = JSON.parse(readFileSync(join(TOOL, 'survivors.json'), 'utf8'))
const until = Date.now() + wanted.minutes * 60_000
const results = []
const problems = []
let reached = 0
for (const file of files) {
  if (Date.now() >= until) break
  process.stderr.write(`${file} ...\n`)
  const { report, problem, late } = await mutate(file, until - Date.now())
  if (late) break
  reached++
  if (report === undefined) problems.push(`${file}: ${problem}`)
  else {
    results.push(resultOf(file, report, excuses))
    problems.push(...untested(file, report))
  }
}
if (results.length > 0) process.stdout.write(`${printed(results)}\n`)
for (const problem of problems) process.stdout.write(`${problem}\n`)
const missed = files.slice(reached)
if (missed.length > 0) {
  process.stdout.write(`Not reached in ${wanted.minutes} minutes: ${missed.join(', ')}\n`)
}
const weak = results.filter(
  (result) => SECURITY_CRITICAL.includes(result.file) && isWeak(result, LEAST_SCORE),
)
for (const { file } of weak) process.stdout.write(`${file} is below ${LEAST_SCORE} %.\n`)
const incomplete = missed.some((file) => SECURITY_CRITICAL.includes(file))
process.exit(weak.length + problems.length > 0 ? 1 : incomplete ? 2 : 0)

function argumentsOf(words) {
  const options = { files: [], minutes: DEFAULT_MINUTES, concurrency: 1 }
  for (let at = 0; at < words.length; at++) {
    const word = words[at]
    if (word === '--help' || word === '-h') options.help = true
    else if (word === '--static') options.static = true
    else if (word === '--fresh') options.fresh = true
    else if (word === '--minutes') options.minutes = numberOf(word, words[++at])
    else if (word === '--concurrency') options.concurrency = numberOf(word, words[++at])
    else if (word === '--changed') {
      const base = words[at + 1]
      options.changed = base === undefined || base.startsWith('-') ? BASE : words[++at]
    } else if (word.startsWith('-')) fail(`There is no option "${word}".\n\n${HELP}`)
    else options.files.push(word)
  }
  return options
}

function numberOf(option, text) {
  const number = Number(text)
  return number > 0 ? number : fail(`${option} takes a number above 0.\n\n${HELP}`)
}

async function filesOf({ files, changed }) {
  if (changed !== undefined) return [...files.map(sourceFile), ...(await changedSince(changed))]
  return files.length === 0 ? SECURITY_CRITICAL : files.map(sourceFile)
}

function sourceFile(word) {
  const candidates = [
    relative(root, join(process.cwd(), word)),
    join('packages', 'holdfast', 'src', word),
  ]
  const found = candidates
    .flatMap((path) => [path, `${path}.ts`])
    .map((path) => path.split(sep).join('/'))
    .find((path) => path.endsWith('.ts') && existsSync(join(root, path)))
  if (found === undefined) return fail(`There is no source file "${word}".\n\n${HELP}`)
  if (testsFor(found).length === 0) return fail(`No tests belong to ${found}.`)
  return found
}

async function changedSince(base) {
  const fork = await run('git', ['merge-base', base, 'HEAD'])
  if (fork.code !== 0) fail(`git knows no "${base}" that this branch left:\n\n${outputOf(fork)}`)
  const start = fork.stdout.trim()
  const tracked = await run('git', ['diff', '--name-only', '--diff-filter=d', start])
  const added = await run('git', ['ls-files', '--others', '--exclude-standard'])
  process.stderr.write(`Compared with ${base} at ${start.slice(0, 9)}.\n`)
  return `${tracked.stdout}${added.stdout}`
    .split('\n')
    .filter((path) => /^(?:packages|examples)\/[^/]+\/src\/.+\.ts$/.test(path))
    .filter((path) => testsFor(path).length > 0)
}

/** The report of one file; or that it failed, or took longer than it may. */
async function mutate(file, milliseconds) {
  const name = `${file.replaceAll('/', '-')}${wanted.static ? '.static' : ''}`
  const [config, report, kept] = ['config', 'report', 'kept'].map((kind) =>
    join(CACHE, `${name}.${kind}.json`),
  )
  if (wanted.fresh) rmSync(join(root, kept), { force: true })
  rmSync(join(root, report), { force: true })
  // Its own, so that what an interrupted run leaves behind can be cleared away.
  const sandbox = join(CACHE, `sandbox-${process.pid}`)
  const content = settings(file, { report, kept, sandbox })
  writeFileSync(join(root, config), JSON.stringify(content, null, 2))
  const { code, output, late } = await stryker(config, testsFor(file), milliseconds)
  rmSync(join(root, sandbox), { recursive: true, force: true })
  if (late) return { late }
  if (code !== 0 || !existsSync(join(root, report))) {
    return { problem: `the mutation tests could not run:\n${output.slice(-4_000)}` }
  }
  return { report: JSON.parse(readFileSync(join(root, report), 'utf8')) }
}

function settings(file, { report, kept, sandbox }) {
  return {
    mutate: [file],
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    vitest: { configFile: 'tools/mutation/vitest.config.ts', related: false },
    // TypeScript 7 has no compiler API, which a file of settings would ask for.
    tsconfigFile: 'none.json',
    disableTypeChecks: false,
    ignoreStatic: wanted.static !== true,
    incremental: true,
    incrementalFile: kept,
    reporters: ['json'],
    jsonReporter: { fileName: report },
    concurrency: wanted.concurrency,
    tempDirName: sandbox,
    cleanTempDir: 'always',
    ignorePatterns: NOT_COPIED,
    timeoutMS: TIMEOUT_MS,
    allowConsoleColors: false,
    logLevel: 'warn',
  }
}

function stryker(config, tests, milliseconds) {
  const program = join(TOOL, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js')
  const env = { ...process.env, MUTATION_TESTS: JSON.stringify(tests) }
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, 'run', config], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let late = false
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk
      })
    }
    const timer = setTimeout(() => {
      late = true
      // It ends its workers and clears its folder away.
      child.kill('SIGINT')
    }, milliseconds)
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code: code ?? 1, output, late })
    })
  })
}
