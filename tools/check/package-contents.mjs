import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { outputOf, root, run, runBin } from '../run.mjs'
import { jsonOf, textOf } from './sources.mjs'

const FOLDER = join(root, '.cache', 'packed')
const ALLOWED = /^(dist\/.+\.(js|d\.ts)|package\.json|README\.md|LICENSE|NOTICE)$/
const REQUIRED = ['package.json', 'README.md', 'LICENSE', 'NOTICE']

/**
 * What would be published: the right files and no others, sound metadata, and types that users can
 * build on.
 */
export async function packageContents() {
  const findings = [
    ...(await contents('packages/holdfast', ALLOWED)),
    ...(await contents('packages/service', new RegExp(`${ALLOWED.source}|^bin/.+\\.mjs$`))),
  ]
  if (findings.length > 0) return findings
  return [...(await publint('packages/holdfast')), ...(await typeTests())]
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
      .filter((path) => !files.includes(path))
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
  return targets
    .flatMap((target) => (typeof target === 'string' ? target : Object.values(target)))
    .map((path) => path.replace(/^\.\//, ''))
}

async function publint(part) {
  const result = await runBin('publint', [join(root, part), '--strict', '--pack', 'npm'])
  return result.code === 0 ? [] : outputOf(result).split('\n')
}

/** Compiles the type tests against the unpacked archive, as a project of a user would. */
async function typeTests() {
  rmSync(FOLDER, { recursive: true, force: true })
  const modules = join(FOLDER, 'node_modules')
  mkdirSync(modules, { recursive: true })
  const pack = ['pack', '--ignore-scripts', '--pack-destination', FOLDER]
  const result = await run('npm', pack, { cwd: join(root, 'packages/holdfast') })
  if (result.code !== 0) return [outputOf(result)]
  const archive = readdirSync(FOLDER).find((name) => name.endsWith('.tgz'))
  const unpacked = await run('tar', ['-xzf', join(FOLDER, archive), '-C', modules])
  if (unpacked.code !== 0) return [outputOf(unpacked)]
  cpSync(join(modules, 'package'), join(modules, 'holdfast'), { recursive: true })
  rmSync(join(modules, 'package'), { recursive: true })

  cpSync(join(root, 'packages/holdfast/test/types'), join(FOLDER, 'types'), { recursive: true })
  const tsconfig = {
    extends: '../../tsconfig.base.json',
    compilerOptions: { noEmit: true, skipLibCheck: false, lib: ['es2023', 'dom', 'dom.iterable'] },
    include: ['types'],
  }
  writeFileSync(join(FOLDER, 'tsconfig.json'), JSON.stringify(tsconfig))
  writeFileSync(join(FOLDER, 'package.json'), '{ "type": "module" }\n')
  const types = await runBin('tsc', ['-p', FOLDER, '--pretty', 'false'])
  return types.code === 0 ? [] : outputOf(types).split('\n')
}
