import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { atHome, folder, LOGIN, type Running, running } from '../support.ts'

async function kindOfLogin(run: Running, ip: string): Promise<string> {
  const body = { ...LOGIN, request: atHome({ ip }) }
  const { session } = await (await run.call('POST', '/v1/sessions', { body })).json()
  const shown = await (await run.call('GET', `/v1/sessions/${session.id}`)).json()
  return shown.origin.network.kind
}

test('the lists say what a network is, and a file that is no list is reported', async () => {
  const offices = join(folder(), 'offices.txt')
  const broken = join(folder(), 'tor.txt')
  writeFileSync(offices, '# Oslo\n192.0.2.0/28\n')
  writeFileSync(broken, '<html>\n')
  const run = await running({ HOLDFAST_NETWORKS: `{ corporate: [${offices}], tor: [${broken}] }` })

  expect(await kindOfLogin(run, '192.0.2.10')).toBe('corporate')
  expect(await kindOfLogin(run, '192.0.2.200')).toBe('unknown')
  expect(run.log()).toContain(`${broken} has a line 1 that is no network`)
})
