import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { outputOf, root, runBin } from '../run.mjs'
import { filesBelow, textOf } from './sources.mjs'

const FOLDER = join(root, '.cache', 'doc-examples')

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
  for (const document of documents) {
    for (const { code, line } of blocksOf(document)) {
      const name = `${document.replace(/[^a-z0-9]+/gi, '-')}-${line}.ts`
      origins.set(name, `${document}, the example at line ${line}`)
      writeFileSync(join(FOLDER, name), code)
    }
  }
  if (origins.size === 0) return ['no document has an example']
  const tsconfig = {
    extends: '../../tsconfig.json',
    compilerOptions: { noUnusedLocals: false, noUnusedParameters: false, moduleDetection: 'force' },
    include: ['*.ts'],
  }
  writeFileSync(join(FOLDER, 'tsconfig.json'), JSON.stringify(tsconfig))
  const result = await runBin('tsc', ['-p', FOLDER, '--pretty', 'false'])
  if (result.code === 0) return []
  return outputOf(result)
    .split('\n')
    .map((line) => line.replace(/^.*doc-examples[\\/]/, ''))
    .map((line) => line.replace(/^([\w-]+\.ts)/, (name) => origins.get(name) ?? name))
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
