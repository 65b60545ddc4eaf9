import { nearest } from '../../core/nearest.ts'
import { UsageError } from '../command.ts'
import { CARRIERS, type Choices, FRAMEWORKS, type Framework, STORES } from './choices.ts'

/** Who decides. */
export interface Deciding {
  /** What the command line says of an option. */
  said(name: keyof Choices): string | undefined
  /** The project's own; the default then. */
  readonly framework: Framework | undefined
  /** Asks a person; an empty answer takes the default. Undefined: nobody is there. */
  readonly ask: ((question: string) => Promise<string>) | undefined
}

/** What the command line says, and for the rest what is answered. */
export async function choose({ said, framework, ask }: Deciding): Promise<Choices> {
  const unsaid = NAMES.filter((name) => said(name) === undefined)
  if (unsaid.length > 0 && ask === undefined) {
    const names = unsaid.map((name) => `--${name}`).join(', ')
    throw new UsageError(`Nobody can be asked here. Say ${names}, or --yes for the defaults.`)
  }

  async function pick<Value extends string>(
    name: keyof Choices,
    question: string,
    { values, fallback }: { readonly values: readonly Value[]; readonly fallback: Value },
  ): Promise<Value> {
    const offered = values.map((value) => (value === fallback ? `[${value}]` : value))
    const value = said(name) ?? (await ask?.(`${question} ${offered.join(', ')}: `))?.trim()
    return value === undefined || value === '' ? fallback : oneOf(values, value, name)
  }

  return {
    framework: await pick('framework', 'Which framework?', {
      values: FRAMEWORKS,
      fallback: framework ?? 'express',
    }),
    store: await pick('store', 'Where are sessions kept?', { values: STORES, fallback: 'lmdb' }),
    carrier: await pick('carrier', 'How do tokens travel?', {
      values: CARRIERS,
      fallback: 'cookie',
    }),
  }
}

const NAMES = ['framework', 'store', 'carrier'] as const

function oneOf<Value extends string>(values: readonly Value[], given: string, name: string): Value {
  const known = values.find((value) => value === given)
  if (known !== undefined) return known
  const meant = nearest(given, values)
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`
  throw new UsageError(`--${name} is one of ${values.join(', ')}.${hint}`)
}
