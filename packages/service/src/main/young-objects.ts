/**
 * A server makes much garbage that lives for one request. With twice the room for it the collector
 * finds less of it alive: a tenth of a verification. V8 takes the size at the start of a process.
 */
const ROOM = '--max-semi-space-size=32'

/** From here on Node takes as much by itself, and more. */
const ENOUGH_SINCE = 24

type Started = Pick<NodeJS.Process, 'execArgv' | 'env' | 'versions'>

/** Flags of Node for a process that serves: those of this one, and the room for young objects. */
export function servingFlags({ execArgv, env, versions }: Started): readonly string[] {
  const given = [...execArgv, env.NODE_OPTIONS ?? '']
  const isSet = given.some((text) => text.includes('semi-space-size'))
  return isSet || Number.parseInt(versions.node, 10) >= ENOUGH_SINCE
    ? execArgv
    : [...execArgv, ROOM]
}

type Replaceable = NodeJS.Process & {
  readonly execve?: (file: string, args: readonly string[], env: NodeJS.ProcessEnv) => void
}

/**
 * Starts this process anew in its place, with the same id, where it has not the flags of one that
 * serves. Node 22.15 is the first that can. Others, Windows, and a process with a channel to
 * another one go on as they are.
 */
export function startAsServer(): void {
  const flags = servingFlags(process)
  if (flags === process.execArgv || process.platform === 'win32' || process.connected) return
  const { execve }: Replaceable = process
  try {
    execve?.(process.execPath, [process.execPath, ...flags, ...process.argv.slice(1)], process.env)
  } catch {
    // Its permissions (`--permission`) start no process: it serves all the same.
  }
}
