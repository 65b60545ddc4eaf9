import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse, parseAllDocuments } from 'yaml'

export const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
export const DEPLOY = join(ROOT, 'deploy')

/** An object of Kubernetes, as far as the tests look into one. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: {
    readonly template?: {
      readonly spec: {
        readonly containers: readonly Container[]
        readonly initContainers?: readonly Container[]
      }
    }
  }
}

export interface Container {
  readonly name: string
  readonly env?: readonly { readonly name: string; readonly value: string }[]
  readonly envFrom?: readonly { readonly configMapRef: { readonly name: string } }[]
}

export function manifestsIn(text: string): readonly Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    const value: Manifest | null = document.toJS()
    return value === null ? [] : [value]
  })
}

/** The plain manifests of a folder. */
export function plain(folder: string): readonly Manifest[] {
  const path = join(DEPLOY, 'kubernetes', folder)
  return readdirSync(path)
    .filter((file) => file !== 'kustomization.yaml')
    .flatMap((file) => manifestsIn(readFileSync(join(path, file), 'utf8')))
}

/** What kubectl makes of a folder; undefined where there is no kubectl. */
export function kustomized(path: string): readonly Manifest[] | undefined {
  const run = spawnSync('kubectl', ['kustomize', path], { encoding: 'utf8' })
  if (run.error !== undefined) return undefined
  if (run.status !== 0) throw new Error(run.stderr)
  return manifestsIn(run.stdout)
}

/** The chart under its values and `changed`; undefined where there is no Go. */
export function chart(changed: Readonly<Record<string, unknown>> = {}): string | undefined {
  const folder = join(DEPLOY, 'helm', 'holdfast')
  const values: object = parse(readFileSync(join(folder, 'values.yaml'), 'utf8'))
  const program = fileURLToPath(new URL('./render-chart.go', import.meta.url))
  const run = spawnSync('go', ['run', program, folder], {
    input: JSON.stringify({ ...values, ...changed }),
    encoding: 'utf8',
  })
  if (run.error !== undefined) return undefined
  if (run.status !== 0) throw new Error(run.stderr)
  return run.stdout
}

/** The model of a manifest throws for what is missing or of another type. */
export function check(manifest: Manifest): void {
  const { apiVersion, kind } = manifest
  const models = createRequire(import.meta.url)(`kubernetes-models/${apiVersion}/${kind}`)
  new models[kind](manifest).validate()
}

/**
 * What the compiler says of manifests as literals of their types: models pass over fields that they
 * do not know, such as a misspelt probe.
 */
export function misspelt(manifests: readonly Manifest[], name: string): string {
  const folder = join(ROOT, '.cache', 'manifests')
  const file = join(folder, `${name}.ts`)
  mkdirSync(folder, { recursive: true })
  const lines = manifests.map(({ apiVersion, kind }, at) => {
    const from = `kubernetes-models/${apiVersion}/${kind}`
    const typed = `import type { I${kind} as T${at} } from '${from}'`
    return `${typed}\nexport const m${at}: T${at} = ${JSON.stringify(manifests[at])}`
  })
  writeFileSync(file, lines.join('\n'))
  const typescript = createRequire(import.meta.url).resolve('typescript/package.json')
  const tsc = join(dirname(typescript), 'bin/tsc')
  const options = '--ignoreConfig --noEmit --strict --skipLibCheck --pretty false'.split(' ')
  const modules = ['--module', 'nodenext', '--moduleResolution', 'nodenext']
  const run = spawnSync(process.execPath, [tsc, ...options, ...modules, file], { encoding: 'utf8' })
  rmSync(file)
  return run.stdout
}

/** The variables that a container gets. */
export function variablesOf(
  container: Container,
  manifests: readonly Manifest[],
): Record<string, string> {
  const maps = (container.envFrom ?? []).map(({ configMapRef: { name } }) =>
    manifests.find((one) => one.kind === 'ConfigMap' && one.metadata.name.startsWith(name)),
  )
  if (maps.includes(undefined)) throw new Error(`${container.name} names a ConfigMap of nobody`)
  const own = (container.env ?? []).map(({ name, value }) => [name, value] as const)
  return { ...Object.assign({}, ...maps.map((map) => map?.data)), ...Object.fromEntries(own) }
}
