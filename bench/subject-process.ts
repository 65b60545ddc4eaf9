import { userOf } from './facts.ts'

export const SUBJECT_SESSIONS = 1_000

/** One subject with all of its sessions. */
export interface Crowd {
  /** How many sessions a list shows. */
  list(): Promise<number>
  revoke(): Promise<unknown>
  /** How many are live afterwards. */
  left(): Promise<number>
}

export type SubjectWord =
  | { readonly kind: 'ready' }
  | { readonly kind: 'took'; readonly listMs: number; readonly revokeMs: number }
  | { readonly kind: 'failed'; readonly why: string }

/**
 * Makes this process a worker: at each message it creates the sessions of a subject, lists them and
 * revokes them.
 */
export function answerSubjects(
  prepare: (redisPort: number) => Promise<(user: string) => Promise<Crowd>>,
): void {
  process.on('disconnect', () => process.exit())
  const filling = prepare(Number(process.argv[2]))
  let turn = 0
  process.on('message', () => {
    filling
      .then((fill) => fill(userOf(turn++)))
      .then(timed)
      .then(say, failed)
  })
  filling.then(() => say({ kind: 'ready' }), failed)
}

async function timed({ list, revoke, left }: Crowd): Promise<SubjectWord> {
  const started = performance.now()
  const listed = await list()
  const listMs = performance.now() - started
  if (listed !== SUBJECT_SESSIONS) throw new Error(`${listed} sessions were listed.`)

  const revoking = performance.now()
  await revoke()
  const revokeMs = performance.now() - revoking
  const survivors = await left()
  if (survivors !== 0) throw new Error(`${survivors} sessions outlived their revocation.`)
  return { kind: 'took', listMs, revokeMs }
}

function failed(error: unknown): void {
  say({ kind: 'failed', why: error instanceof Error ? error.message : String(error) })
}

function say(word: SubjectWord): void {
  process.send?.(word)
}
