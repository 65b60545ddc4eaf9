import { type Length, type Round, type Row, round } from './rounds.ts'

/** The store that a contender uses, and a folder for its files. */
export interface Place {
  readonly redisPort: number
  readonly folder: string
}

/** What the bench asks of a contender. */
export interface Order {
  readonly row: string
  readonly length: Length
  /** Not to be measured. */
  readonly runsIn: boolean
}

/** What a contender's process answers. `absent`: it cannot take part, for the given reason. */
export type Word =
  | { readonly kind: 'ready'; readonly rows: readonly string[] }
  | { readonly kind: 'round'; readonly runs: number; readonly micros: number }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'absent'; readonly why: string }

/**
 * Makes this process a contender, of one of the kinds that its program knows. It prepares itself,
 * then measures the rows that the bench asks for, one at a time. It ends when the bench does.
 */
export async function contend(
  prepare: (place: Place, kind: string) => Promise<readonly Row[] | { readonly absent: string }>,
): Promise<void> {
  process.on('disconnect', () => process.exit())
  try {
    const prepared = await prepare(JSON.parse(process.argv[2] ?? '{}'), process.argv[3] ?? '')
    if ('absent' in prepared) return say({ kind: 'absent', why: prepared.absent })
    const rows = new Map(prepared.map((row) => [row.name, row]))
    process.on('message', ({ row, length, runsIn }: Order) => {
      const wanted = rows.get(row)
      if (wanted === undefined) return say({ kind: 'failed', why: `There is no row "${row}".` })
      const done = runsIn ? runIn(wanted, length) : round(wanted.run, length)
      done.then((measured) => say({ kind: 'round', ...measured }), failed)
    })
    say({ kind: 'ready', rows: [...rows.keys()] })
  } catch (error) {
    failed(error)
  }
}

async function runIn({ run, before }: Row, length: Length): Promise<Round> {
  await before?.()
  return round(run, length)
}

function failed(error: unknown): void {
  say({ kind: 'failed', why: error instanceof Error ? error.message : String(error) })
}

function say(word: Word): void {
  process.send?.(word)
}
