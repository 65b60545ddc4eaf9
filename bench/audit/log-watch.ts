import { closeSync, openSync, readdirSync, readSync, watch } from 'node:fs'
import { join } from 'node:path'

/** Sees lines as they come into an audit log, from outside. */
export interface LogWatch {
  close(): void
}

const AT_ONCE = 1_048_576

/** Calls `seen` with each line that a segment gets from now on. */
export function watchLog(directory: string, seen: (line: string) => void): LogWatch {
  const buffer = Buffer.alloc(AT_ONCE)
  const files = new Map<string, { readonly file: number; at: number; rest: string }>()

  function read(name: string, tell: (line: string) => void): void {
    const known = files.get(name)
    const segment = known ?? { file: openSync(join(directory, name), 'r'), at: 0, rest: '' }
    files.set(name, segment)
    for (;;) {
      const size = readSync(segment.file, buffer, 0, AT_ONCE, segment.at)
      if (size === 0) return
      segment.at += size
      const lines = (segment.rest + buffer.toString('latin1', 0, size)).split('\n')
      segment.rest = lines.pop() ?? ''
      for (const line of lines) tell(line)
    }
  }

  for (const name of readdirSync(directory).filter(isSegment)) read(name, () => {})
  const watcher = watch(directory, (_, name) => {
    if (name !== null && isSegment(name)) read(name, seen)
  })
  return {
    close() {
      watcher.close()
      for (const { file } of files.values()) closeSync(file)
    },
  }
}

function isSegment(name: string): boolean {
  return name.endsWith('.jsonl')
}
