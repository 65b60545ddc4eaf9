import { describe, expect, test } from 'vitest'
import { type AdapterHarness, engineHarness } from './adapter-harness.ts'
import { ADAPTER_HELPERS, adapterScene, type StartAdapter } from './adapter-scene.ts'
import { changesHands } from './endings.ts'
import { refreshes } from './refresh.ts'
import { refuses } from './refusals.ts'
import { keepsOtherSitesOut } from './sites.ts'
import { readsSurroundings } from './surroundings.ts'
import { deliversTokens } from './tokens.ts'

export type { AdapterHarness } from './adapter-harness.ts'
export {
  ADAPTER_HELPERS,
  type AdapterHelper,
  CACHEABLE,
  type StartAdapter,
  type StartedAdapter,
  THEME,
} from './adapter-scene.ts'

/**
 * One suite for every adapter, over real HTTP. Needs vitest. By default the engine runs in this
 * process; pass another harness for sessions that live elsewhere.
 *
 * @example
 * adapterContract('restify', async (sessions, options, slow) => {
 *   const api = holdfast(sessions, options)
 *   return { api, ...(await listening(restifyApp(api, slow))) }
 * })
 */
export function adapterContract(
  name: string,
  start: StartAdapter,
  harness: () => Promise<AdapterHarness> = engineHarness,
): void {
  describe(`the ${name} adapter`, () => {
    const scene = adapterScene(start, harness)
    test('has the names that every adapter has', () => {
      const api: Readonly<Record<string, unknown>> = scene.api()
      const missing = ADAPTER_HELPERS.filter((helper) => typeof api[helper] !== 'function')

      expect(missing).toEqual([])
    })
    deliversTokens(scene)
    refuses(scene)
    keepsOtherSitesOut(scene)
    changesHands(scene)
    refreshes(scene)
    readsSurroundings(scene)
  })
}
