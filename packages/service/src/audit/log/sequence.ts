import { spanText } from './account.ts'
import { type Line, lineName } from './lines.ts'
import type { Hash } from './tree.ts'
import type { Remarks } from './verdict.ts'

/** A line of a file, and where it is. `line` is undefined where it cannot be read. */
export interface PlacedLine {
  readonly line: Line | undefined
  readonly leaf: Hash
  readonly file: string
  readonly number: number
}

/** Follows the lines of a log by their indexes and the names of the lines before them. */
export interface Sequence {
  /** The index that the next line must have. */
  next(): number
  /**
   * Takes the next line in; `following` is the one after it, which tells an edited line from a
   * missing one. Answers whether it stands in its place: in front of it lines may be missing.
   */
  take(placed: PlacedLine, following: Line | undefined): boolean
  /** Goes on with an index after what is lost. */
  skipTo(index: number): void
  /** Tells of lines that were not found in another place. */
  end(): void
  /** How many faults were found so far. */
  faults(): number
}

interface Missing {
  readonly from: number
  /** Not included. */
  readonly to: number
  readonly file: string
  readonly number: number
}

/** Ranges of missing lines that are kept, in case that the lines come later. */
const MOST_MISSING = 10_000

export function sequence(remarks: Remarks): Sequence {
  let next = 0
  /** The line before, with its name. Undefined after a line that is lost. */
  let before: { readonly name: string; readonly placed: PlacedLine | undefined } | undefined = {
    name: '',
    placed: undefined,
  }
  let missing: Missing[] = []
  let faults = 0

  function fault(...told: Parameters<Remarks['fault']>): void {
    faults++
    remarks.fault(...told)
  }

  function lookBack({ file, number, line }: PlacedLine, name: string, following?: Line): void {
    if (line === undefined || before === undefined || line.previous === before.name) return
    const { placed } = before
    const isIntact = following === undefined || following.previous === name
    if (placed !== undefined && isIntact) {
      if (placed.line !== undefined) {
        fault(
          'line_edited',
          placed.file,
          placed.number,
          'this line was edited: the next one names another',
        )
      }
    } else {
      fault('line_edited', file, number, 'this line was edited, and the one before it may be, too')
    }
  }

  function outOfPlace({ file, number }: PlacedLine, index: number): void {
    const range = missing.find(({ from, to }) => from <= index && index < to)
    if (range === undefined) {
      fault('line_doubled', file, number, `line ${index} of the log comes again`)
      return
    }
    fault('line_moved', file, number, `line ${index} of the log is not in its place`)
    missing = missing.flatMap((one) => {
      if (one !== range) return [one]
      const parts = [
        { ...one, to: index },
        { ...one, from: index + 1 },
      ]
      return parts.filter(({ from, to }) => from < to)
    })
  }

  return {
    next: () => next,

    take(placed, following) {
      const { line, leaf, file, number } = placed
      const name = lineName(leaf)
      const isEdited = line === undefined || (line.index !== next && following?.index === next + 1)
      if (isEdited) {
        fault(
          'line_edited',
          file,
          number,
          'this line was edited: it is no longer a line of the log',
        )
        before = { name, placed: { ...placed, line: undefined } }
        next++
        return true
      }
      if (line.index < next) {
        outOfPlace(placed, line.index)
        return false
      }
      if (line.index > next) {
        faults++
        if (missing.length < MOST_MISSING) {
          missing.push({ from: next, to: line.index, file, number })
        } else {
          remarks.fault('line_missing', file, number, 'lines before this one are missing')
        }
      } else lookBack(placed, name, following)
      before = { name, placed }
      next = line.index + 1
      return true
    },

    skipTo(index) {
      next = index
      before = undefined
    },

    end() {
      for (const { from, to, file, number } of missing) {
        const which = `${to - from === 1 ? 'line' : 'lines'} ${spanText(from - 1, to - 1)}`
        remarks.fault('line_missing', file, number, `${which} of the log should be before this one`)
      }
      missing = []
    },

    faults: () => faults,
  }
}
