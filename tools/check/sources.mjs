import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'
import { root } from '../run.mjs'

/** Files below a folder of the repository, as paths from its root with forward slashes. */
export function filesBelow(folder, wanted) {
  const found = []
  for (const entry of listing(join(root, folder))) {
    const path = posix.join(folder, entry.name)
    if (entry.name === 'node_modules' || entry.name === 'dist') continue
    if (entry.isDirectory()) found.push(...filesBelow(path, wanted))
    else if (wanted.test(entry.name)) found.push(path)
  }
  return found.sort()
}

function listing(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
}

export function textOf(path) {
  return readFileSync(join(root, path), 'utf8')
}

export function jsonOf(path) {
  return JSON.parse(textOf(path))
}

/**
 * What a module imports or re-exports: relative specifiers as paths from the root, others as they
 * are.
 */
export function importsOf(path) {
  return linksOf(path).map(({ imported }) => imported)
}

/** The same without `import type` and `export type`: what the compiled module still asks for. */
export function valueImportsOf(path) {
  return linksOf(path).flatMap(({ imported, types }) => (types ? [] : [imported]))
}

function linksOf(path) {
  const code = textOf(path)
    .replace(/^\s*\/\*[\s\S]*?\*\//gm, '')
    .replace(/^\s*\/\/.*$/gm, '')
  const statements = [...code.matchAll(STATEMENT)].map(([, types, specifier]) => ({
    specifier,
    types: types !== undefined,
  }))
  const calls = [...code.matchAll(CALL)].map(([, specifier]) => ({ specifier, types: false }))
  return [...statements, ...calls].map(({ specifier, types }) => ({
    imported: specifier.startsWith('.') ? resolve(dirname(path), specifier) : specifier,
    types,
  }))
}

const STATEMENT =
  /(?:^|[\n;}])\s*(?:import|export)\s(type\s)?(?:[^'"`;]*?\sfrom\s)?\s*['"]([^'"]+)['"]/g
const CALL = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

function resolve(folder, specifier) {
  return relative(root, join(root, folder, specifier))
    .split(sep)
    .join('/')
}

/** True for a path inside the repository, as {@link importsOf} gives them. */
export function isLocal(imported) {
  return /\.(ts|mts|js|mjs)$/.test(imported) && imported.includes('/') && !imported.startsWith('@')
}
