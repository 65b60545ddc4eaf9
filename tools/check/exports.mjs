import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from '../run.mjs'
import { jsonOf, textOf } from './sources.mjs'

const ROOT = 'packages/holdfast/src/index.ts'
const ROOT_LIST = 'tools/check/root-exports.json'

/**
 * Every public entry of the library has a source, and every name that it exports says what it is
 * for.
 */
export function exportsDocumented() {
  const findings = []
  const seen = new Set()
  for (const [entry, target] of Object.entries(jsonOf('packages/holdfast/package.json').exports)) {
    if (typeof target === 'string') continue
    const base = target.import?.default.replace(/\.js$/, '')
    if (JSON.stringify(target) !== JSON.stringify(bothKinds(base))) {
      findings.push(`${entry}: not ${JSON.stringify(bothKinds(base ?? './dist/...'))}`)
      continue
    }
    const source = `packages/holdfast/${base.replace('./dist/', 'src/')}.ts`
    if (!existsSync(join(root, source))) {
      findings.push(`${entry}: ${source} is missing`)
      continue
    }
    const names = exportedNames(source)
    if (names.size === 0) findings.push(`${entry}: exports nothing`)
    for (const [name, { file, local }] of names) {
      const key = `${file} ${local}`
      if (seen.has(key)) continue
      seen.add(key)
      if (!isDocumented(file, local)) findings.push(`${file}: ${name} (${entry}) has no TSDoc`)
    }
  }
  return findings
}

/** An entry for `import` and for `require`, each with types of its own kind. */
function bothKinds(base) {
  return {
    import: { types: `${base}.d.ts`, default: `${base}.js` },
    require: { types: `${base}.d.cts`, default: `${base}.cjs` },
  }
}

/** What the root entry exports is what applications need: a new name is a decision. */
export function rootExports() {
  const exported = rootNames()
  const listed = jsonOf(ROOT_LIST)
  return [
    ...exported
      .filter((name) => !listed.includes(name))
      .map((name) => `${ROOT}: ${name} is not in ${ROOT_LIST}`),
    ...listed
      .filter((name) => !exported.includes(name))
      .map((name) => `${ROOT_LIST}: ${name} is not exported by ${ROOT}`),
  ]
}

/** The names that the root entry exports, in the order of the alphabet. */
export function rootNames() {
  return [...exportedNames(ROOT).keys()].sort()
}

/** Public name -> the file that declares it and its name there. */
function exportedNames(file) {
  const names = new Map()
  const code = textOf(file)
  for (const match of code.matchAll(
    /^export\s+(?:type\s+)?\{([^}]*)\}(?:\s*from\s*['"]([^'"]+)['"])?/gm,
  )) {
    for (const item of match[1].split(',')) {
      const words = item
        .trim()
        .replace(/^type\s+/, '')
        .split(/\s+as\s+/)
      if (words[0] === '') continue
      const [local, name = local] = words
      names.set(
        name,
        match[2] ? declaration(next(file, match[2]), local) : declaration(file, local),
      )
    }
  }
  for (const [, from] of code.matchAll(/^export\s+(?:type\s+)?\*\s+from\s*['"]([^'"]+)['"]/gm)) {
    for (const [name, at] of exportedNames(next(file, from))) names.set(name, at)
  }
  for (const [, name] of code.matchAll(DECLARED)) names.set(name, { file, local: name })
  return names
}

const DECLARED =
  /^export\s+(?:declare\s+)?(?:async\s+)?(?:function\*?|const|interface|type|class)\s+(\w+)/gm

function declaration(file, name) {
  if (!file.endsWith('.ts')) return { file, local: name }
  const code = textOf(file)
  if (declarationOf(name).test(code)) return { file, local: name }
  return exportedNames(file).get(name) ?? imported(file, code, name) ?? { file, local: name }
}

function imported(file, code, name) {
  for (const [, list, from] of code.matchAll(
    /^import\s+(?:type\s+)?\{([^}]*)\}\s*from\s*['"]([^'"]+)['"]/gm,
  )) {
    const names = list.split(',').map((item) => item.trim().replace(/^type\s+/, ''))
    if (names.includes(name)) return declaration(next(file, from), name)
  }
  return undefined
}

function next(file, specifier) {
  return specifier.startsWith('.') ? join(dirname(file), specifier) : specifier
}

function declarationOf(name) {
  const kind = '(?:function\\*?|const|interface|type|class)'
  return new RegExp(`^(?:export\\s+)?(?:declare\\s+)?(?:async\\s+)?${kind}\\s+${name}\\b`, 'm')
}

function isDocumented(file, name) {
  if (!file.endsWith('.ts')) return true
  const code = textOf(file)
  const at = code.search(declarationOf(name))
  return at > 0 && code.slice(0, at).trimEnd().endsWith('*/')
}
