import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'
import { navigation } from '../navigation.mjs'

const docs = fileURLToPath(new URL('../../../docs', import.meta.url))

/** The site of `docs/`: its navigation is the first page, its search needs no network. */
export default defineConfig({
  title: 'Holdfast',
  description: 'Session security for microservices',
  srcDir: docs,
  outDir: fileURLToPath(new URL('../../../.cache/site', import.meta.url)),
  cacheDir: fileURLToPath(new URL('../../../.cache/vitepress', import.meta.url)),
  rewrites: { 'README.md': 'index.md' },
  markdown: { config: (md) => md.core.ruler.push('outside', withoutLinksOutside) },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    sidebar: [...navigation(readFileSync(join(docs, 'README.md'), 'utf8')), decisions()],
  },
})

/** What lies outside of the pages is in the repository, and not in the site: a word, no link. */
function withoutLinksOutside({ tokens, env }) {
  for (const { children } of tokens) {
    let outside = false
    for (const token of children ?? []) {
      if (token.type === 'link_open') outside = leavesTheSite(token.attrGet('href'), env)
      if (!outside || !/^link_(open|close)$/.test(token.type)) continue
      token.tag = 'span'
      token.attrs = null
      if (token.type === 'link_close') outside = false
    }
  }
}

function leavesTheSite(href, { relativePath }) {
  if (/^(\w+:|#|\/)/.test(href)) return false
  const path = normalize(join(dirname(relativePath), href.replace(/[#?].*$/, '')))
  return path.startsWith('..') || !/(\.html|\.md|^|\/)$/.test(path)
}

function decisions() {
  const folder = join(docs, 'decisions')
  const items = readdirSync(folder)
    .sort()
    .map((file) => {
      const [, text] = /^# (.*)$/m.exec(readFileSync(join(folder, file), 'utf8'))
      return { text, link: `/decisions/${file.replace(/\.md$/, '')}` }
    })
  return { text: 'Decisions', collapsed: true, items }
}
