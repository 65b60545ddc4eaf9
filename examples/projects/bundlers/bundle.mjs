import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build as esbuild } from 'esbuild'
import { build as vite } from 'vite'
import webpack from 'webpack'

const ENTRY = 'dist/server.js'
const OUT = resolve('out')

// With the packages inside, and with those of `node_modules`.
for (const kind of ['inlined', 'external']) {
  const external = kind === 'external'
  await esbuild({
    entryPoints: [ENTRY],
    outfile: join(OUT, `esbuild-${kind}.cjs`),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    ...(external ? { packages: 'external' } : {}),
  })
  await vite({
    logLevel: 'warn',
    build: {
      ssr: ENTRY,
      outDir: OUT,
      emptyOutDir: false,
      rollupOptions: { output: { entryFileNames: `vite-${kind}.mjs` } },
    },
    ssr: external ? { external: true } : { noExternal: true },
  })
  await webpacked({
    mode: 'production',
    target: 'node20',
    entry: resolve(ENTRY),
    output: { path: OUT, filename: `webpack-${kind}.cjs` },
    externals: external ? [/^[a-z@]/i] : [],
    externalsType: 'commonjs',
  })
}

// The module for pages, as an application for browsers brings it.
await vite({ logLevel: 'warn', build: { outDir: join(OUT, 'page') } })
const assets = join(OUT, 'page', 'assets')
const page = readdirSync(assets).map((name) => readFileSync(join(assets, name), 'utf8'))
if (!page.some((code) => code.includes('hf-client')) || page.some((code) => /node:/.test(code))) {
  throw new Error('The bundle for pages lacks the browser module, or asks for Node.')
}

function webpacked(options) {
  return new Promise((done, failed) => {
    webpack(options, (error, stats) => {
      if (error || stats.hasErrors()) failed(error ?? new Error(stats.toString('errors-only')))
      else done()
    })
  })
}
