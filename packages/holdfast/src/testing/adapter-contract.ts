import { describe } from 'vitest'
import { changesHands } from './adapter-contract-endings.ts'
import { refreshes } from './adapter-contract-refresh.ts'
import { refuses } from './adapter-contract-refusals.ts'
import { keepsOtherSitesOut } from './adapter-contract-sites.ts'
import { readsSurroundings } from './adapter-contract-surroundings.ts'
import { deliversTokens } from './adapter-contract-tokens.ts'
import { type AdapterHarness, engineHarness } from './adapter-harness.ts'
import { adapterScene, type StartAdapter } from './adapter-scene.ts'

export type { AdapterHarness } from './adapter-harness.ts'
export { CACHEABLE, type StartAdapter, type StartedAdapter, THEME } from './adapter-scene.ts'

/**
 * One suite for every adapter, over real HTTP. Needs vitest. By default the engine runs in this
 * process; pass another harness for sessions that live elsewhere.
 *
 * @example
 * adapterContract('koa', async (sessions, options) => listening(koaApp(sessions, options)))
 */
export function adapterContract(
  name: string,
  start: StartAdapter,
  harness: () => Promise<AdapterHarness> = engineHarness,
): void {
  describe(`the ${name} adapter`, () => {
    const scene = adapterScene(start, harness)
    deliversTokens(scene)
    refuses(scene)
    keepsOtherSitesOut(scene)
    changesHands(scene)
    refreshes(scene)
    readsSurroundings(scene)
  })
}
