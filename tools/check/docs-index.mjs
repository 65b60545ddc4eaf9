import { filesBelow, textOf } from './sources.mjs'

const INDEX = 'docs/README.md'

/** Listed by themselves. */
const APART = /^docs\/(?:decisions|measured)\/|^docs\/README\.md$/

/** The first page of the documentation names each of its pages, and none that is not there. */
export function docsIndex() {
  const pages = filesBelow('docs', /\.md$/).filter((path) => !APART.test(path))
  const links = [...textOf(INDEX).matchAll(/^- \[[^\]]+\]\(([^)]+)\)/gm)].map(
    ([, path]) => `docs/${path}`,
  )
  return [
    ...pages
      .filter((page) => !links.includes(page))
      .map((page) => `${INDEX} does not name ${page}`),
    ...links
      .filter((link) => !pages.includes(link))
      .map((link) => `${INDEX}: ${link} is not there`),
  ]
}
