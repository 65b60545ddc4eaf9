import { existsSync, statSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startService } from '../../src/index.ts'
import { configOf, folder, running } from '../support.ts'
import { forwarded } from './gates.ts'

function askThrough(socketPath: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { socketPath, path: '/v1/gate/forward-auth', headers: forwarded() },
      (response) => {
        response.resume()
        resolve(response)
      },
    )
    sent.on('error', reject)
    sent.end()
  })
}

test('a gate may be a socket for owner and group, whose users need no key', async () => {
  const path = join(folder(), 'gate.sock')
  const run = await running({ HOLDFAST_GATE_LISTEN: `unix:${path}` })

  const answer = await askThrough(path)

  expect(run.service.gateUrl).toBe(`unix:${path}`)
  expect(answer.headers['holdfast-code']).toBe('token_missing')
  expect((statSync(path).mode & 0o777).toString(8)).toBe('660')
  await run.service.close()
  expect(existsSync(path)).toBe(false)
})

test('the socket of a process that was killed is in nobody’s way, one in use is', async () => {
  const path = join(folder(), 'gate.sock')
  const config = configOf({ HOLDFAST_GATE_LISTEN: `unix:${path}` })
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(path, resolve))
  onTestFinished(() => void other.close())

  const start = startService(config, { log: { write: () => {} } })

  await expect(start).rejects.toThrow('set HOLDFAST_GATE_LISTEN')
  const probe = connect(path)
  await new Promise<void>((resolve) => probe.once('connect', () => resolve()))
  probe.destroy()
})

test('a gate can be off', async () => {
  const run = await running({ HOLDFAST_GATE_LISTEN: 'off' })

  expect(run.service.gateUrl).toBeUndefined()
})
