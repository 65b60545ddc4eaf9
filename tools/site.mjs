import { join } from 'node:path'
import { fail, orFail, outputOf, root, run } from './run.mjs'
import { installBeside } from './setup.mjs'

const folder = join(root, 'tools', 'site')

await orFail(installBeside(folder, 'Installing VitePress (once, about half a minute) ...'))
process.stdout.write('Building the site of docs/ ...\n')
const vitepress = join(folder, 'node_modules', 'vitepress', 'bin', 'vitepress.js')
const built = await run(process.execPath, [vitepress, 'build', folder])
if (built.code !== 0) fail(outputOf(built))
process.stdout.write(
  'Written to .cache/site. Look at it with:\n\n' +
    '  node tools/site/node_modules/vitepress/bin/vitepress.js preview tools/site\n',
)
