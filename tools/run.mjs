import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where the repository is, wherever the command was typed. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/**
 * Runs a command to its end and keeps what it prints, so that success is quiet and failure is
 * whole. Never rejects for a failing command: look at `code`.
 */
export function run(
  command,
  args,
  { cwd = root, env = process.env, inherit = false, timeout } = {},
) {
  return new Promise((resolve) => {
    const stdio = inherit ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe']
    const child = spawn(command, args, { cwd, env, stdio, timeout })
    let stdout = ''
    let stderr = ''
    child.stdout?.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr?.on('data', (chunk) => {
      stderr += chunk
    })
    child.on('error', (error) =>
      resolve({ code: 127, stdout, stderr: `${stderr}${error.message}` }),
    )
    child.on('close', (code, signal) =>
      resolve({ code: code ?? 1, stdout, stderr: signal ? `${stderr}ended by ${signal}` : stderr }),
    )
  })
}

/** Runs a program that npm installed. */
export function runBin(name, args, options) {
  return run(process.execPath, [join(root, 'node_modules', ...BINS[name]), ...args], options)
}

const BINS = {
  attw: ['@arethetypeswrong', 'cli', 'dist', 'index.js'],
  biome: ['@biomejs', 'biome', 'bin', 'biome'],
  knip: ['knip', 'bin', 'knip.js'],
  publint: ['publint', 'src', 'cli.js'],
  tsc: ['typescript', 'bin', 'tsc'],
  vitest: ['vitest', 'vitest.mjs'],
}

/** What a failed command said, without colours and empty lines at the ends. */
export function outputOf({ stdout, stderr }) {
  return stripColour(`${stdout}\n${stderr}`).trim()
}

function stripColour(text) {
  return text.replace(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g'), '')
}

/** True when this file is the program, false when another one imports it. */
export function isMain(url) {
  return process.argv[1] !== undefined && fileURLToPath(url) === process.argv[1]
}

/** Ends the process with a message a person can act on. */
export function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

/** Waits; a failure ends the process with its message, without a stack. */
export async function orFail(promise) {
  try {
    return await promise
  } catch (error) {
    return fail(error.message)
  }
}
