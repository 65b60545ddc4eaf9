import { parseLine } from './lines.ts'
import { type LogLine, notALine, readLog } from './read.ts'
import { lastSegment, rawLines } from './segments.ts'

/** Reads a log that grows, part by part. */
export interface LogFollower {
  /**
   * Lines that count from an index on, so many at most. Where that is the one after the last part,
   * only what is new is read.
   */
  part(from: number, most: PartSize): readonly LogLine[]
  close(): void
}

export interface PartSize {
  readonly lines: number
  readonly bytes: number
}

/** Where the last part has ended. */
interface Place {
  readonly index: number
  readonly path: string
  readonly end: number
  readonly number: number
}

export function followLog(directory: string): LogFollower {
  /** What a part has left, of a log that is long. */
  let reading: Generator<LogLine, undefined> | undefined
  let next = 0
  let place: Place | undefined

  function close(): void {
    reading?.return(undefined)
    reading = undefined
  }

  /** The newest segment has no successor, so that every whole line of it counts. */
  function* newLines({ path, end, number, index }: Place): Generator<LogLine, undefined> {
    for (const raw of rawLines(path, { after: { end, number } })) {
      if (!raw.whole) continue
      const at = { file: path, number: raw.number }
      const line = parseLine(raw.bytes)
      if (line === undefined) throw notALine(at)
      yield { ...at, index: index + raw.number - number - 1, bytes: raw.bytes, end: raw.end, line }
    }
  }

  return {
    part(from, most) {
      if (from !== next) close()
      next = from
      const isNewest = place?.index === from && lastSegment(directory)?.path === place.path
      reading ??= isNewest && place ? newLines(place) : readLog({ directory, from })
      const lines: LogLine[] = []
      let bytes = 0
      while (lines.length < most.lines && bytes < most.bytes) {
        const { value: line } = reading.next()
        if (line === undefined) {
          reading = undefined
          break
        }
        lines.push(line)
        bytes += line.bytes.length
        next = line.index + 1
        place = { index: next, path: line.file, end: line.end, number: line.number }
      }
      return lines
    },
    close,
  }
}
