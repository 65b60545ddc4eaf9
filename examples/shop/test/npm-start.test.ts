import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { putAside } from '../../../tools/put-aside.mjs'

const TOOLS = fileURLToPath(new URL('../../../tools/', import.meta.url))

interface Ended {
  readonly code: number | null
  readonly said: string
}

function node(args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args)
    let said = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        said += String(chunk)
      })
    }
    child.on('close', (code) => resolve({ code, said }))
  })
}

test('a program that dies while starting ends all, and its error is told once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shop-start-'))
  const story = `
    import { programs } from ${JSON.stringify(join(TOOLS, 'service-process.mjs'))}
    const { start } = programs({ say: console.log })
    const log = ${JSON.stringify(join(folder, 'log'))}
    const args = ['-e', 'console.error("no such thing"); process.exit(3)']
    await start({ name: 'sick', args, env: {}, log }, 'http://127.0.0.1:9/')
    console.log('Welcome')`

  const { code, said } = await node(['--input-type=module', '--eval', story])
  await rm(folder, { recursive: true })

  expect(code).toBe(1)
  expect(said.match(/sick ended \(code 3\):\n {2}no such thing/g)).toHaveLength(1)
  expect(said).not.toContain('Welcome')
})

test('ports that shop and service both want are refused before anything starts', async () => {
  const { code, said } = await node([join(TOOLS, 'start.mjs'), '--port', '4598'])

  expect(code).toBe(1)
  expect(said).toContain('both want 4600')
  expect(said).not.toContain('Starting')
})

test('a gateway that the shop does not know is refused before anything starts', async () => {
  const { code, said } = await node([join(TOOLS, 'start.mjs'), '--edge', 'apache'])

  expect(code).toBe(1)
  expect(said).toContain('"apache" is none of nginx, caddy, haproxy')
  expect(said).not.toContain('Starting')
})

test('a fresh start puts one store aside, makes room for it, and needs none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shop-fresh-'))
  const store = join(folder, 'store')
  const first = putAside(store)
  await writeFile(store, 'older')
  putAside(store)
  await writeFile(store, 'newer')
  const aside = putAside(store)
  const kept = await readFile(join(folder, 'store-before'), 'utf8')
  const again = putAside(store)
  await rm(folder, { recursive: true })

  expect([first, aside, again]).toEqual([undefined, `${store}-before`, undefined])
  expect(kept).toBe('newer')
})
