import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { outputOf, root, runBin } from '../run.mjs'
import { filesBelow, textOf } from './sources.mjs'

const FOLDER = join(root, '.cache', 'doc-examples')

/** A package whose types change those of Node for the whole program: its examples stand apart. */
const APART = /from '@koa\/bodyparser'/

/** Every `ts` block of the documents compiles against the sources, each as a module of its own. */
export async function docExamples() {
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER, { recursive: true })
  const documents = [
    ...filesBelow('docs', /\.md$/),
    ...filesBelow('packages', /^README\.md$/),
    ...filesBelow('examples', /\.md$/),
    'README.md',
    'CONTRIBUTING.md',
  ]
  const origins = new Map()
  const apart = []
  for (const document of documents) {
    for (const { code, line } of blocksOf(document)) {
      const name = `${document.replace(/[^a-z0-9]+/gi, '-')}-${line}.ts`
      origins.set(name, `${document}, the example at line ${line}`)
      writeFileSync(join(FOLDER, name), code)
      if (APART.test(code)) apart.push(name)
    }
  }
  if (origins.size === 0) return ['no document has an example']
  const findings = [
    ...(await compiled('tsconfig.json', { include: ['*.ts'], exclude: apart })),
    ...(await compiled('tsconfig.apart.json', { files: apart })),
  ]
  return findings.map((line) => line.replace(/^([\w-]+\.ts)/, (name) => origins.get(name) ?? name))
}

/** What the compiler finds in some of the files. */
async function compiled(config, files) {
  const tsconfig = {
    ...files,
    extends: '../../tsconfig.json',
    compilerOptions: {
      noUnusedLocals: false,
      noUnusedParameters: false,
      moduleDetection: 'force',
      // Nest projects have properties among the parameters of their constructors.
      erasableSyntaxOnly: false,
    },
  }
  writeFileSync(join(FOLDER, config), JSON.stringify(tsconfig))
  const result = await runBin('tsc', ['-p', join(FOLDER, config), '--pretty', 'false'])
  if (result.code === 0) return []
  return outputOf(result)
    .split('\n')
    .map((line) => line.replace(/^.*doc-examples[\\/]/, ''))
}

function blocksOf(document) {
  const lines = textOf(document).split('\n')
  const blocks = []
  let start = -1
  for (const [at, line] of lines.entries()) {
    if (start < 0 && /^```ts\b/.test(line)) start = at
    else if (start >= 0 && line.startsWith('```')) {
      blocks.push({ line: start + 1, code: `${lines.slice(start + 1, at).join('\n')}\n` })
      start = -1
    }
  }
  return blocks
}
