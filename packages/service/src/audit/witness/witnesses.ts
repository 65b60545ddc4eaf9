import { retryDelayMs } from '../alerts/back-off.ts'
import { openCheckpoint } from '../log/checkpoint.ts'
import type { Later } from '../outputs/output.ts'
import type { ProblemLog } from '../problem-log.ts'
import type { Trouble } from '../trouble.ts'
import { askWitness, type Witness, type WitnessAnswer } from './ask-witness.ts'
import { consistencyProofs } from './consistency.ts'

/** The witnesses of one audit log. */
export interface Witnesses {
  /**
   * Gives a checkpoint to those that have not signed it and are due. Answers it with what they have
   * signed; undefined where there is nothing new, or while an earlier one is on its way.
   */
  cosign(note: string): Promise<string | undefined>
  /** By name. */
  state(): Readonly<Record<string, WitnessState>>
  /** What is on its way is given up. */
  close(): void
}

export interface WitnessState {
  /** `failing`: no answer that counts. `refusing`: it knows another history of this log. */
  readonly is: 'waiting' | 'cosigning' | 'failing' | 'refusing'
  /** Lines of the log that it has cosigned; null where that is not known yet. */
  readonly lines: number | null
}

export interface WitnessesOptions {
  readonly directory: string
  readonly witnesses: readonly Witness[]
  /** How many have to sign. */
  readonly quorum: number
  readonly now: () => number
  readonly random: (size: number) => Uint8Array
  readonly log: ProblemLog
  readonly onTrouble: (trouble: Trouble) => void
  readonly later?: Later | undefined
}

/** So long nobody is woken for a witness that is away: the next checkpoint covers all before. */
const SILENT_MS = 3_600_000

interface Member extends Witness {
  is: WitnessState['is']
  lines: number | null
  failures: number
  dueAt: number
}

export function openWitnesses(options: WitnessesOptions): Witnesses {
  const { directory, witnesses, quorum, now, random, log, onTrouble, later } = options
  const { prove } = consistencyProofs(directory)
  const stop = new AbortController()
  const members = witnesses.map((one): Member => {
    return { ...one, is: 'waiting', lines: null, failures: 0, dueAt: 0 }
  })
  /** When enough of them had signed everything that there was. */
  let signedAt: number | undefined
  let silent = false
  let asking = false

  function take(member: Member, answer: WitnessAnswer, size: number): void {
    const { name } = member.verifier
    const before = member.is
    if (answer.is === 'cosigned') {
      Object.assign(member, { is: 'cosigning', lines: size, failures: 0, dueAt: 0 })
      if (before === 'failing' || before === 'refusing') {
        log.warn({ witness: name }, 'audit log: a witness signs again')
      }
      return
    }
    const fields = { witness: name, problem: answer.problem }
    if (answer.is === 'refused' && before !== 'refusing') {
      log.error(fields, 'audit log: a witness refuses it, because it knows another history')
      onTrouble('witness_refuses')
    } else if (answer.is === 'failed' && (before === 'waiting' || before === 'cosigning')) {
      log.warn(fields, 'audit log: a witness does not sign')
    }
    // Nothing but a signature takes a refusal back.
    member.is = answer.is === 'refused' || before === 'refusing' ? 'refusing' : 'failing'
    member.failures++
    member.dueAt = now() + retryDelayMs(member.failures, random)
  }

  function lookForSilence(size: number): void {
    const at = now()
    signedAt ??= at
    if (members.filter(({ lines }) => lines === size).length >= quorum) {
      signedAt = at
      silent = false
    } else if (!silent && at - signedAt >= SILENT_MS) {
      onTrouble('witness_silent')
      silent = true
    }
  }

  async function round(note: string, size: number): Promise<string | undefined> {
    const due = members.filter(({ lines, dueAt }) => lines !== size && dueAt <= now())
    const answers = await Promise.all(
      due.map((member) => {
        const known = member.lines ?? 0
        return askWitness(member, { note, known, prove, now, later, signal: stop.signal })
      }),
    )
    if (stop.signal.aborted) return undefined
    let cosigned = note
    for (const [at, member] of due.entries()) {
      const answer = answers[at]
      if (answer === undefined) continue
      take(member, answer, size)
      if (answer.is === 'cosigned') cosigned += answer.line
    }
    lookForSilence(size)
    return cosigned === note ? undefined : cosigned
  }

  return {
    async cosign(note) {
      const checkpoint = openCheckpoint(note, undefined)
      if (asking || members.length === 0 || !checkpoint.ok) return undefined
      asking = true
      try {
        return await round(note, checkpoint.size)
      } finally {
        asking = false
      }
    },
    state: () =>
      Object.fromEntries(members.map(({ verifier, is, lines }) => [verifier.name, { is, lines }])),
    close: () => stop.abort(),
  }
}
