import { fstatSync, writeSync } from 'node:fs'

/** Takes lines of a log. It never blocks and never throws; what finds no room is counted. */
export interface LogOutput {
  write(line: string): void
  /** Writes what the turn of the event loop has gathered. */
  flush(): void
}

/** Where text goes. */
export interface Sink {
  /** Takes text; `failed` hears where it was not written whole. */
  write(text: string, failed: () => void): void
  /** Bytes that it took and that nobody has read yet. */
  waiting(): number
}

/** What may wait for a slow reader, before lines are lost. */
const MOST_WAITING_BYTES = 4 * 1_048_576

/**
 * Writes the lines of one turn of the event loop at once: a write costs more than its lines. A log
 * that is full or that nobody reads loses lines, because a service that waits for it answers
 * nobody. The first line that gets through again says how many.
 */
export function linesByTurn(sink: Sink, onLost: (lines: number) => void = () => {}): LogOutput {
  let text = ''
  let lost = 0

  function flush(): void {
    if (text === '') return
    const lines = text
    text = ''
    const told = lost
    lost = 0
    const failed = (): void => {
      const count = lines.split('\n').length - 1
      lost += told + count
      onLost(count)
    }
    if (sink.waiting() > MOST_WAITING_BYTES) failed()
    else sink.write(told === 0 ? lines : lossLine(told) + lines, failed)
  }

  return {
    write(line) {
      if (text === '') setImmediate(flush)
      text += line
    },
    flush,
  }
}

/**
 * Standard output. What is left in this process is written when it ends; one that is killed loses
 * the lines of one turn, and what its reader has not taken.
 */
export function standardOutput(onLost: (lines: number) => void): LogOutput {
  const lines = linesByTurn(isRead() ? readOutput() : fileOutput(), onLost)
  process.on('exit', lines.flush)
  return lines
}

/** Whether standard output has a reader, for whom Node keeps what he has not taken. */
function isRead(): boolean {
  try {
    const output = fstatSync(1)
    return output.isFIFO() || output.isSocket()
  } catch {
    return false
  }
}

function readOutput(): Sink {
  const { stdout } = process
  // Without a listener a reader who has gone would end the process.
  stdout.on('error', () => {})
  return {
    write: (text, failed) => void stdout.write(text, (error) => error && failed()),
    waiting: () => stdout.writableLength,
  }
}

function fileOutput(): Sink {
  let torn = false
  return {
    write(text, failed) {
      let rest = Buffer.from(torn ? `\n${text}` : text)
      try {
        while (rest.length > 0) {
          rest = rest.subarray(writeSync(1, rest))
          torn = rest.length > 0
        }
      } catch {
        failed()
      }
    },
    waiting: () => 0,
  }
}

function lossLine(lost: number): string {
  const time = new Date().toISOString()
  const msg = 'lines of the log were lost: it was full, or nobody read it'
  return `${JSON.stringify({ level: 40, time, service: 'holdfast', lost, msg })}\n`
}
