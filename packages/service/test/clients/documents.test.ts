import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { orThrow, pythonOrThrow, root, run } from './programs.ts'

const PAGES = [
  'docs/languages.md',
  ...['go', 'python', 'java'].map((at) => `clients/${at}/README.md`),
]

/** How a block of a language is compiled, in a folder of its own. */
const COMPILERS: Readonly<Record<string, (folder: string, code: string) => Promise<string>>> = {
  async go(cwd, code) {
    writeFileSync(`${cwd}/main.go`, code)
    const needs = 'require holdfast.example/holdfast v0.0.0'
    const place = `replace holdfast.example/holdfast => ${root}clients/go`
    writeFileSync(`${cwd}/go.mod`, `module example\n\ngo 1.19\n\n${needs}\n\n${place}\n`)
    return orThrow(run('go', ['vet', './...'], { cwd }))
  },
  async python(cwd, code) {
    writeFileSync(`${cwd}/example.py`, code)
    const env = { PYTHONPATH: `${root}clients/python`, PYTHONDONTWRITEBYTECODE: '1' }
    return orThrow(run(await pythonOrThrow(), ['-c', 'import example'], { cwd, env }))
  },
  java(cwd, code) {
    writeFileSync(`${cwd}/Example.java`, code)
    const sources = ['-sourcepath', `${root}clients/java`, '-implicit:none', '-d', cwd]
    return orThrow(run('javac', [...sources, 'Example.java'], { cwd }))
  },
}

function blocksOf(page: string): readonly { language: string; code: string }[] {
  const text = readFileSync(`${root}${page}`, 'utf8')
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(
    ([, language = '', code = '']) => (language in COMPILERS ? [{ language, code }] : []),
  )
}

test.each(PAGES)(
  'the examples of %s compile',
  async (page) => {
    const blocks = blocksOf(page)

    for (const [at, { language, code }] of blocks.entries()) {
      const folder = `${root}.cache/languages/${page.replaceAll(/\W/g, '-')}-${at}`
      rmSync(folder, { recursive: true, force: true })
      mkdirSync(folder, { recursive: true })
      await COMPILERS[language]?.(folder, code)
    }

    expect(blocks.length).toBeGreaterThan(0)
  },
  300_000,
)
