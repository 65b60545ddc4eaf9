import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { outputOf, root, run, runBin } from '../run.mjs'
import { jsonOf, textOf } from './sources.mjs'

const FOLDER = join(root, '.cache', 'packed')
const ALLOWED = /^(bin\/.+\.mjs|dist\/.+\.(c?js|d\.c?ts)|package\.json|README\.md|LICENSE|NOTICE)$/
const SCHEMAS = '^schemas/[\\w.-]+\\.json$'
const DATA_TOO = new RegExp(`${ALLOWED.source}|${SCHEMAS}|^data/.+\\.yaml$`)
const TEMPLATES_TOO = new RegExp(`${ALLOWED.source}|${SCHEMAS}|^templates/.+\\.ts$`)
const REQUIRED = ['package.json', 'README.md', 'LICENSE', 'NOTICE']

/**
 * What would be published: the right files and no others, sound metadata, and types that users can
 * build on.
 */
export async function packageContents() {
  const unfit = [
    ...(await contents('packages/holdfast', TEMPLATES_TOO)),
    ...(await contents('packages/service', DATA_TOO)),
  ]
  if (unfit.length > 0) return unfit
  const archive = await packedArchive()
  return [
    ...(await publint('packages/holdfast')),
    ...(await typesResolve(archive)),
    ...(await typeTests('import', { type: 'module', module: 'nodenext' })),
    ...(await typeTests('require', { type: 'commonjs', module: 'node16' })),
    ...(await loadedByBoth()),
    ...(await commandRuns(archive)),
  ]
}

async function contents(part, allowed) {
  const result = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: join(root, part),
  })
  if (result.code !== 0) return [`${part} cannot be packed: ${outputOf(result)}`]
  const files = packed(result.stdout).files.map(({ path }) => path)
  return [
    ...files.filter((path) => !allowed.test(path)).map((path) => `${part} would publish ${path}`),
    ...REQUIRED.filter((path) => !files.includes(path)).map((path) => `${part} lacks ${path}`),
    ...targetsOf(part)
      .filter((path) => !files.some((file) => fits(file, path)))
      .map((path) => `${part} promises ${path} and does not publish it`),
    ...['LICENSE', 'NOTICE']
      .filter((file) => files.includes(file) && textOf(`${part}/${file}`) !== textOf(file))
      .map((file) => `${part}/${file} differs from ${file}`),
  ]
}

/** npm prints a list of packages, or since its version 12 an object of them by name. */
function packed(stdout) {
  return Object.values(JSON.parse(stdout))[0]
}

function targetsOf(part) {
  const { exports = {}, bin = {} } = jsonOf(`${part}/package.json`)
  const targets = [...Object.values(exports), ...Object.values(bin)]
  return targets.flatMap(filesOf).map((path) => path.replace(/^\.\//, ''))
}

/** A target with `*` is kept by any file that fits it. */
function fits(file, target) {
  const [start, end] = target.split('*')
  if (end === undefined) return file === target
  return file.startsWith(start) && file.endsWith(end)
}

function filesOf(target) {
  return typeof target === 'string' ? target : Object.values(target).flatMap(filesOf)
}

async function publint(part) {
  const result = await runBin('publint', [join(root, part), '--strict', '--pack', 'npm'])
  return result.code === 0 ? [] : outputOf(result).split('\n')
}

/** The packed library, and the same unpacked where a project of a user would have it. */
async function packedArchive() {
  rmSync(FOLDER, { recursive: true, force: true })
  const modules = join(FOLDER, 'node_modules')
  mkdirSync(FOLDER, { recursive: true })
  const pack = ['pack', '--ignore-scripts', '--pack-destination', FOLDER]
  const result = await run('npm', pack, { cwd: join(root, 'packages/holdfast') })
  if (result.code !== 0) throw new Error(outputOf(result))
  const archive = join(
    FOLDER,
    readdirSync(FOLDER).find((name) => name.endsWith('.tgz')),
  )
  await unpack(archive, modules)
  return archive
}

/** Puts the library where npm would. */
async function unpack(archive, modules) {
  mkdirSync(modules, { recursive: true })
  const unpacked = await run('tar', ['-xzf', archive, '-C', modules])
  if (unpacked.code !== 0) throw new Error(outputOf(unpacked))
  renameSync(join(modules, 'package'), join(modules, 'holdfast'))
}

/** Types of each entry, as `node16`, `nodenext` and `bundler` resolve them in both module kinds. */
async function typesResolve(archive) {
  const result = await runBin('attw', [archive, '--profile', 'node16', '--format', 'ascii'])
  return result.code === 0 ? [] : outputOf(result).split('\n')
}

/** Compiles the type tests and all entries as they were packed, as a project of a user would. */
async function typeTests(kind, { type, module }) {
  const folder = join(FOLDER, kind)
  cpSync(join(root, 'packages/holdfast/test/types'), join(folder, 'types'), { recursive: true })
  const imports = entryNames().map((name, at) => `import * as entry${at} from '${name}'\n`)
  const all = imports.map((_, at) => `entry${at}`)
  writeFileSync(join(folder, 'types', 'all.ts'), `${imports.join('')}export { ${all} }\n`)
  const tsconfig = {
    extends: '../../../tsconfig.base.json',
    compilerOptions: {
      noEmit: true,
      skipLibCheck: false,
      lib: ['es2023', 'dom', 'dom.iterable'],
      module,
      moduleResolution: module,
      verbatimModuleSyntax: type === 'module',
    },
    include: ['types'],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type }))
  const types = await runBin('tsc', ['-p', folder, '--pretty', 'false'])
  return types.code === 0 ? [] : findings(`types for ${kind}`, types)
}

/** `require` gives the very module that `import` gives, and Node prints nothing. */
async function loadedByBoth() {
  const program = join(FOLDER, 'both.cjs')
  writeFileSync(
    program,
    `(async () => {
      for (const name of ${JSON.stringify(entryNames())}) {
        const required = require(name)
        const imported = await import(name)
        for (const key of Object.keys(imported)) {
          if (required[key] !== imported[key]) console.log(name + ' has two copies of ' + key)
        }
      }
    })()`,
  )
  const result = await run(process.execPath, [program])
  return outputOf(result) === '' ? [] : findings('loaded by both', result)
}

/**
 * The command as it was packed, outside of this repository: alone, and with a service beside it
 * that takes every command over.
 */
async function commandRuns(archive) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-command-'))
  try {
    const modules = join(folder, 'node_modules')
    await unpack(archive, modules)
    for (const name of Object.keys(jsonOf('packages/holdfast/package.json').dependencies)) {
      symlinkSync(join(root, 'node_modules', name), join(modules, name))
    }
    const found = []
    const expected = async (args, wanted) => {
      const program = join(modules, 'holdfast', 'bin', 'holdfast.mjs')
      const { code, ...said } = await run(process.execPath, [program, ...args], { cwd: folder })
      const output = outputOf(said)
      if (code === wanted.code && output.includes(wanted.says)) return
      found.push(`the packed "holdfast ${args.join(' ')}" ends with ${code}: ${output}`)
    }
    await expected(['keys', 'new', 'keyring.json'], { code: 0, says: 'Made keyring.json' })
    await expected(['init', '--yes', '--dir', 'app'], { code: 0, says: 'session/app.mjs' })
    await expected(['serve'], { code: 2, says: 'npm install @holdfast/service' })

    const service = join(modules, '@holdfast', 'service')
    mkdirSync(join(service, 'bin'), { recursive: true })
    writeFileSync(join(service, 'package.json'), '{}')
    writeFileSync(
      join(service, 'bin', 'holdfast.mjs'),
      "console.log('handed over:', ...process.argv.slice(2))",
    )
    await expected(['serve', '--json'], { code: 0, says: 'handed over: serve --json' })
    await expected(['keys', 'new', 'ring.json'], { code: 0, says: 'handed over: keys new' })
    return found
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function entryNames() {
  return Object.keys(jsonOf('packages/holdfast/package.json').exports)
    .filter((entry) => !entry.endsWith('.json'))
    .map((entry) => `holdfast${entry.slice(1)}`)
}

function findings(what, result) {
  return outputOf(result)
    .split('\n')
    .map((line) => `${what}: ${line}`)
}
