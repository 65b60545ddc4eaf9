import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const PAGE = join(ROOT, 'docs', 'first-steps.md')

/** A command of the page, and what the page says that it prints. */
interface Step {
  readonly command: string
  readonly printed: string
}

/** The commands of all `console` blocks, in their order. `> ` continues a command. */
function stepsOf(page: string): readonly Step[] {
  const steps: Step[] = []
  for (const [, block = ''] of page.matchAll(/^```console\n([\s\S]*?)^```$/gm)) {
    for (const part of block.split(/^\$ /m).slice(1)) {
      const lines = part.trimEnd().split('\n')
      const more = lines.slice(1).findIndex((line) => !/^> ?/.test(line))
      const end = more < 0 ? lines.length : more + 1
      steps.push({
        command: lines.slice(0, end).join('\n').replace(/^> ?/gm, ''),
        printed: lines.slice(end).join('\n'),
      })
    }
  }
  return steps
}

/** What a command may print: the page's text, with anything in place of `...`. */
function patternOf(printed: string): RegExp {
  const parts = printed.split('...').map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('[\\s\\S]*?')}$`)
}

/** One shell for all commands, as the reader has. */
function shell(
  cwd: string,
  env: Readonly<Record<string, string>>,
): {
  run(step: Step): Promise<string>
  close(): Promise<void>
} {
  // A group of its own, so that what it starts ends with it.
  const child: ChildProcess = spawn('bash', {
    cwd,
    detached: true,
    env: { ...process.env, ...env },
  })
  let heard = ''
  let listen = (): void => {}
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      heard += String(chunk)
      listen()
    })
  }

  return {
    async run({ command, printed }) {
      heard = ''
      const end = '-- the command has ended --'
      // `wait` of a background command would not end: its output is waited for instead.
      const background = command.endsWith(' &')
      child.stdin?.write(`${command}\n${background ? '' : `echo '${end}'\n`}`)
      return new Promise((resolve) => {
        listen = () => {
          const ended = background ? heard.includes(printed) : heard.includes(end)
          if (ended) resolve(heard.replace(`${end}\n`, '').trimEnd())
        }
        listen()
      })
    },
    async close() {
      const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      await closed
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

mkdirSync(join(ROOT, '.cache'), { recursive: true })
const clone = mkdtempSync(join(ROOT, '.cache', 'first-steps-'))
afterAll(() => rmSync(clone, { recursive: true, force: true }))

beforeAll(() => {
  if (!existsSync(join(ROOT, 'packages/service/dist/cli/main.js')))
    throw new Error('This test runs what "npm run build" makes: build first.')
})

test('every command of the first steps prints what the page says', async () => {
  const port = String(await freePort())
  const page = readFileSync(PAGE, 'utf8')
  // The checkout stands for the clone: it is installed and built already.
  const [build, ...steps] = stepsOf(page)
  const reader = shell(clone, { PORT: port })

  const wrong: string[] = []
  for (const { command, printed } of steps) {
    // `init` names the port that the application has without PORT.
    const here = (text: string): string => text.replaceAll('127.0.0.1:3000', `127.0.0.1:${port}`)
    const isInit = command.startsWith('npx holdfast init')
    const step = isInit ? { command, printed } : { command: here(command), printed: here(printed) }
    const heard = await reader.run(step)
    if (!patternOf(step.printed).test(heard)) wrong.push(`$ ${command}\n${heard}`)
  }
  await reader.close()

  expect(wrong).toEqual([])
  expect(build?.command).toContain('npm run build')
  expect(steps.length).toBeGreaterThan(10)
})
