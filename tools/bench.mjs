import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from './build.mjs'
import { fail, orFail, outputOf, root, run, runBin } from './run.mjs'
import { setup } from './setup.mjs'

await setup()
await orFail(build())

// The bench runs what was built, as a user would have it, and so has to be compiled itself.
const compiled = join(root, '.cache', 'bench')
rmSync(compiled, { recursive: true, force: true })
const result = await runBin('tsc', ['-p', join(root, 'bench')])
if (result.code !== 0) fail(`The bench does not compile:\n\n${outputOf(result)}`)
const { code } = await run(process.execPath, [join(compiled, 'main.js')], { inherit: true })
process.exit(code)
