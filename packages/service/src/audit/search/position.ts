/** A place in the order of a table. */
export interface Position {
  readonly at: number
  readonly line: number
}

/** Where a search goes on. It keeps its beginning: "30 days ago" is another instant by then. */
export interface Cursor {
  readonly before: Position
  readonly since: number
}

const FORM = /^(\d{1,16})\.(\d{1,16})\.(\d{1,16})$/

export function formatCursor({ before, since }: Cursor): string {
  return `${before.at}.${before.line}.${since}`
}

export function parseCursor(text: string): Cursor | undefined {
  const [at, line, since] = (FORM.exec(text)?.slice(1) ?? []).map(Number)
  if (at === undefined || line === undefined || since === undefined) return undefined
  if (![at, line, since].every(Number.isSafeInteger)) return undefined
  return { before: { at, line }, since }
}
