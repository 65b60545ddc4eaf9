import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { SessionError } from '../../core/errors.ts'
import { FRAMEWORKS, type Framework } from './choices.ts'

/** What is known of the directory that a project is written into. */
export interface Project {
  readonly directory: string
  readonly typescript: boolean
  /** Ending of the files, and of what they import each other by. */
  readonly ending: 'ts' | 'js' | 'mjs'
  /** The folder of the sources, from the directory; empty where they lie in it. */
  readonly sources: string
  /** What its package.json depends on. */
  readonly framework: Framework | undefined
}

/** Throws `config_invalid` for a package.json that cannot be read. */
export function projectIn(directory: string): Project {
  const manifest = manifestOf(join(directory, 'package.json'))
  const depends = { ...manifest.dependencies, ...manifest.devDependencies }
  const typescript = existsSync(join(directory, 'tsconfig.json')) || 'typescript' in depends
  return {
    directory,
    typescript,
    ending: endingOf(typescript, manifest.type === 'module'),
    sources: existsSync(join(directory, 'src')) ? 'src' : '',
    framework: FRAMEWORKS.find((name) => name in depends),
  }
}

/** Those that no `node_modules` at or above the directory has. */
export function missingPackages(directory: string, names: readonly string[]): readonly string[] {
  return names.filter((name) => !isInstalled(resolve(directory), name))
}

function isInstalled(directory: string, name: string): boolean {
  if (existsSync(join(directory, 'node_modules', name, 'package.json'))) return true
  const above = dirname(directory)
  return above !== directory && isInstalled(above, name)
}

/** Without `"type": "module"`, Node takes `.js` for CommonJS. */
function endingOf(typescript: boolean, isModule: boolean): Project['ending'] {
  if (typescript) return 'ts'
  return isModule ? 'js' : 'mjs'
}

interface Manifest {
  readonly type?: unknown
  readonly dependencies?: object
  readonly devDependencies?: object
}

function manifestOf(path: string): Manifest {
  if (!existsSync(path)) return {}
  try {
    const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof manifest === 'object' && manifest !== null) return manifest
  } catch (cause) {
    throw new SessionError('config_invalid', `${path} cannot be read.`, { cause })
  }
  throw new SessionError('config_invalid', `${path} is no JSON object.`)
}
