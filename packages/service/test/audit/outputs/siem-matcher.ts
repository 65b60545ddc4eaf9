/**
 * Evaluates conditions of Sigma, Splunk and KQL: the small part of each that `deploy/siem` uses.
 * Terms are joined by `and`, `or`, `not` and brackets, in either case; terms side by side mean
 * `and`.
 */
export function holds(condition: string, term: (text: string) => boolean): boolean {
  const tokens = condition.match(TOKEN) ?? []
  let at = 0

  const next = (word: string): boolean => {
    if (tokens[at]?.toLowerCase() !== word) return false
    at++
    return true
  }

  // Both sides are always read, whatever the first says.
  function either(): boolean {
    let value = all()
    while (next('or')) {
      const right = all()
      value = value || right
    }
    return value
  }

  function all(): boolean {
    let value = one()
    while (next('and') || tokens[at] === '(' || startsTerm(tokens[at])) {
      const right = one()
      value = value && right
    }
    return value
  }

  function one(): boolean {
    if (next('not')) return !one()
    if (next('(')) {
      const value = either()
      if (!next(')')) throw new SyntaxError(`a bracket is open: ${condition}`)
      return value
    }
    const token = tokens[at++]
    if (token === undefined || !startsTerm(token)) throw new SyntaxError(`no term: ${condition}`)
    return term(token)
  }

  const value = either()
  if (at !== tokens.length) throw new SyntaxError(`cannot be read to its end: ${condition}`)
  return value
}

/** Brackets, a comparison with a quoted text or a number, or a word. */
const TOKEN = /[()]|[\w.]+\s*(?:>=|[=:])\s*(?:"[^"]*"|\d+)|[^\s()]+/g

function startsTerm(token: string | undefined): boolean {
  return token !== undefined && !/^(?:\(|\)|or)$/i.test(token)
}

/** `field="text"`, `field: "text"`, `field=1`, `field >= 1`. */
export function comparison(event: object): (term: string) => boolean {
  return (term) => {
    const [, field, operator, text, number] =
      /^([\w.]+)\s*(>=|[=:])\s*(?:"([^"]*)"|(\d+))$/.exec(term) ?? []
    if (field === undefined) throw new SyntaxError(`no comparison: ${term}`)
    return compares(event, field, operator === '>=' ? 'gte' : 'is', text ?? Number(number))
  }
}

/** The fields of a selection of Sigma: all of them, each with one of its values. */
export function selected(event: object, selection: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(selection).every(([name, wanted]) => {
    const [field = '', modifier = 'is'] = name.split('|')
    const values: readonly unknown[] = Array.isArray(wanted) ? wanted : [wanted]
    return values.some((value) => compares(event, field, modifier, value))
  })
}

function compares(event: object, field: string, how: string, wanted: unknown): boolean {
  return valuesOf(event, field.split('.')).some((value) => {
    switch (how) {
      case 'is':
        return value === wanted
      case 'gte':
        return typeof value === 'number' && value >= Number(wanted)
      default:
        throw new SyntaxError(`no way to compare: ${how}`)
    }
  })
}

/** What a path leads to; each element of a list counts. */
function valuesOf(value: unknown, path: readonly string[]): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap((one) => valuesOf(one, path))
  const [name, ...rest] = path
  if (name === undefined) return [value]
  if (typeof value !== 'object' || value === null) return []
  return valuesOf((value as Readonly<Record<string, unknown>>)[name], rest)
}
