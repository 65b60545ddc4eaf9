/** The groups of links on the first page of the documentation, for the sidebar of its site. */
export function navigation(page) {
  return page
    .split(/^## /m)
    .slice(1)
    .map((group) => {
      const [text] = group.split('\n', 1)
      const links = group.matchAll(/^- \[([^\]]+)\]\(([^)]+)\.md\)/gm)
      const items = [...links].map(([, name, path]) => ({
        text: name,
        link: `/${path}`,
      }))
      return { text, items }
    })
}
