import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/** WCAG 2.2, 1.4.3: text of usual size. */
const LEAST_RATIO = 4.5

const GROUNDS = ['paper', 'surface', 'sunken']
const TEXTS = ['ink', 'muted', 'accent', 'accent-strong', 'warm', 'ok', 'warn', 'bad']
const TINTS = ['ok', 'warn', 'bad']

/** What the style sheet writes on what. */
const PAIRS: readonly (readonly [text: string, ground: string])[] = [
  ...TEXTS.flatMap((text) => GROUNDS.map((ground) => [text, ground] as const)),
  ...TINTS.flatMap((tint) => ['ink', 'muted', tint].map((text) => [text, `${tint}-soft`] as const)),
  ['on-accent', 'accent'],
  ['on-accent', 'accent-strong'],
  ['surface', 'warm'],
]

const css = readFileSync(new URL('../public/shop.css', import.meta.url), 'utf8')
const [, light = '', dark = ''] = css.split(/:root \{/)

function coloursOf(block: string): ReadonlyMap<string, string> {
  const [declarations = ''] = block.split('}')
  return new Map(
    [...declarations.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  )
}

/** WCAG 2.2, relative luminance. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(one: string, other: string): number {
  const [lower = 0, higher = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (higher + 0.05) / (lower + 0.05)
}

test.each([
  ['light', coloursOf(light)],
  ['dark', new Map([...coloursOf(light), ...coloursOf(dark)])],
])('text can be read on every ground that it is written on: %s', (_scheme, colours) => {
  const ratios = PAIRS.map(([text, ground]) => {
    const [above, below] = [colours.get(text), colours.get(ground)]
    if (above === undefined || below === undefined) throw new Error(`no --${text} or --${ground}`)
    return [`${text} on ${ground}`, contrast(above, below)] as const
  })

  expect(ratios.filter(([, ratio]) => ratio < LEAST_RATIO)).toEqual([])
})
