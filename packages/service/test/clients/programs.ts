import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { python } from '../../../../tools/setup.mjs'

/** Where the repository is. */
export const root = fileURLToPath(new URL('../../../../', import.meta.url))

/** Go with its caches inside the checkout, and without a network. */
const GO_ENV = {
  GOCACHE: `${root}.cache/go`,
  GOPATH: `${root}.cache/go-path`,
  GOFLAGS: '-mod=mod',
  GOPROXY: 'off',
  GOWORK: 'off',
}

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

interface Surroundings {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a program to its end. */
export function run(
  program: string,
  args: readonly string[],
  { cwd, env = {} }: Surroundings,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...GO_ENV, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }))
  })
}

/** A `conformance` program that is ready to run. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd: string
}

/** The languages that have a client, and how their `conformance` program is made ready. */
export const CLIENTS: Readonly<Record<string, () => Promise<Command>>> = {
  async Go() {
    const cwd = `${root}clients/go`
    const program = `${root}.cache/conformance-go`
    await orThrow(run('go', ['build', '-o', program, './internal/conformance'], { cwd }))
    return { program, args: [], cwd }
  },
  async Python() {
    const args = ['-B', 'conformance.py']
    return { program: await pythonOrThrow(), args, cwd: `${root}clients/python` }
  },
  async Java() {
    const cwd = `${root}clients/java`
    const classes = `${root}.cache/conformance-java`
    const sources = readdirSync(`${cwd}/holdfast`).map((name) => `holdfast/${name}`)
    await orThrow(run('javac', ['-Werror', '-d', classes, ...sources], { cwd }))
    return { program: 'java', args: ['-cp', classes, 'holdfast.Conformance'], cwd }
  },
}

export async function pythonOrThrow(): Promise<string> {
  const program = await python()
  if (program === undefined) throw new Error('no python3 has the modules jwt and cryptography')
  return program
}

/** What it printed; throws with all that it said when it failed. */
export async function orThrow(running: Promise<Ended>): Promise<string> {
  const { code, stdout, stderr } = await running
  if (code !== 0) throw new Error(`ended with ${code}\n${stdout}\n${stderr}`)
  return stdout
}
