import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

/** The browser module in one file, as the build puts it together for pages. */
export async function bundledModule(): Promise<string> {
  const input = fileURLToPath(new URL('../../src/browser/index.ts', import.meta.url))
  const bundled = await rolldown({ input, platform: 'neutral' })
  const { output } = await bundled.generate({ format: 'esm' })
  await bundled.close()
  const [{ code }] = output
  return code
}
