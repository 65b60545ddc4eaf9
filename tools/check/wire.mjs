import { filesBelow, importsOf, textOf } from './sources.mjs'

const DESCRIPTIONS = 'packages/holdfast/src/wire/'

/** Who sends and reads what is described there. */
const USERS = ['packages/holdfast/src/client', 'packages/service/src/api']

/** So many names in common are no coincidence, if they are more than half of the object. */
const LEAST = 5

/**
 * What travels is described in one place. A user of the descriptions that lists the fields of a
 * described object again, or checks them with a schema of its own, would go its own way one day.
 * A literal whose type is written beside it is held to it by the compiler, and may list them.
 */
export function wireDescribedOnce() {
  const described = filesBelow(DESCRIPTIONS, /\.ts$/).flatMap((path) => objectsOf(textOf(path)))
  const large = described.filter(({ name }) => LARGE.includes(name))
  if (large.length < LARGE.length || large.some(({ names }) => names.length < 8)) {
    return [`${DESCRIPTIONS}: not all fields of ${LARGE.join(', ')} were found to compare with`]
  }
  if (described.length < 20) return [`${DESCRIPTIONS}: no descriptions were found to compare with`]
  const findings = []
  for (const path of USERS.flatMap((folder) => filesBelow(folder, /\.ts$/))) {
    if (importsOf(path).some((from) => /^(?:zod|@hono\/zod-.*)$/.test(from))) {
      findings.push(`${path}: what travels is checked by its description, not by a schema`)
    }
    for (const { line, names } of blocksOf(textOf(path))) {
      const same = described.find((one) => repeats(names, one.names))
      if (same === undefined) continue
      findings.push(`${path}:${line}: lists the fields of ${same.name} again; use ${DESCRIPTIONS}`)
    }
  }
  return findings
}

function repeats(names, described) {
  const common = described.filter((name) => names.has(name)).length
  return common >= LEAST && common * 2 > described.length
}

/** Descriptions that share most of their fields with others. Their fields must be seen, too. */
const LARGE = ['Session', 'SessionDetail', 'Problem']

function objectsOf(code) {
  return [...code.matchAll(/\bobject<[^(]*>\(\s*'(\w+)',\s*\{/g)].map((match) => {
    const start = match.index + match[0].length
    return { name: match[1], names: [...namesFrom(code, start), ...sharedNames(code, start)] }
  })
}

/** The names of what is spread into an object, from constants of the same file. */
function sharedNames(code, start) {
  const body = code.slice(start, closingOf(code, start))
  return [...body.matchAll(/(?<=^|[{,\s])\.\.\.(\w+)/g)].flatMap(([, shared]) => {
    const found = new RegExp(`\\bconst ${shared}\\b[^=]*= \\{`).exec(code)
    return found === null ? [] : [...namesFrom(code, found.index + found[0].length)]
  })
}

function closingOf(code, start) {
  let depth = 0
  for (let at = start; at < code.length; at++) {
    if (code[at] === '{') depth++
    if (code[at] === '}' && depth-- === 0) return at
  }
  return code.length
}

/** Every pair of braces with more than one name in it, except literals that have a type. */
function* blocksOf(code) {
  const plain = code.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, (comment) => comment.replace(/\S/g, ' '))
  for (const { index } of plain.matchAll(/\{/g)) {
    const before = plain.slice(plain.lastIndexOf('\n', index) + 1, index)
    if (/(?::\s*\w+\s*=|\bimport(?:\s+type)?|\bexport(?:\s+type)?)\s*$/.test(before)) continue
    const line = plain.slice(0, index).split('\n').length
    yield { line, names: namesFrom(plain, index + 1) }
  }
}

/** The names at the first level after an opening brace: `name:`, `name?:`, `name,`, the last. */
function namesFrom(code, start) {
  const names = new Set()
  let depth = 0
  let at = start
  for (; at < code.length && depth >= 0; at++) {
    const letter = code[at]
    if ('{[('.includes(letter)) depth++
    else if ('}])'.includes(letter)) depth--
    else if (depth === 0 && /\w/.test(letter) && !/[\w.'"$]/.test(code[at - 1] ?? '')) {
      const name = /^(?:readonly\s+)?(\w+)\s*(?=\??\s*[:,}\n=])/.exec(code.slice(at, at + 80))
      if (name === null) continue
      names.add(name[1])
      at += name[0].length - 1
    }
  }
  return names
}
