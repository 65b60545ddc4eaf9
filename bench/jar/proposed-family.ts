/** A model of a token family: generations without secrets, times in seconds, one context. */
export interface ModelFamily {
  issued: ModelSecret
  acked: ModelSecret
  predecessors: readonly { readonly generation: number; readonly succeededAt: number }[]
  displaced: { readonly generation: number; readonly at: number } | null
  newest: number
  /** `acked` was shown longer after it was sent than a cookie jar may take to commit it. */
  settled: boolean
  /** A rolled-back cookie jar was let in, once a family. Sensitive calls then need a step-up. */
  healed: boolean
}

interface ModelSecret {
  readonly generation: number
  readonly mintedAt: number
  /** Minted because five minutes had passed, not for a sensitive call. */
  readonly byClock: boolean
}

export type RotationStatus =
  | 'current'
  | 'resend'
  | 'lost'
  | 'in_flight'
  | 'rolled_back'
  | 'step_up'
  | 'fork'

export const RESEND_S = 10
const IN_FLIGHT_S = 60
const SETTLE_S = 35
const ROTATE_S = 300

export function startFamily(): ModelFamily {
  const first = { generation: 1, mintedAt: 0, byClock: false }
  return {
    issued: first,
    acked: first,
    predecessors: [],
    displaced: null,
    newest: 1,
    settled: true,
    healed: false,
  }
}

export interface PresentedGeneration {
  readonly generation: number
  readonly at: number
  readonly sensitive: boolean
  /** With the status that decision 16 proposes. */
  readonly heals: boolean
}

/** Tells what the presented generation is to the family, and changes the family accordingly. */
export function show(
  family: ModelFamily,
  presented: PresentedGeneration,
): { readonly status: RotationStatus; readonly ok: boolean; readonly sent: number | undefined } {
  const status = statusOf(family, presented)
  const sent = rotate(family, status, presented)
  return { status, ok: status !== 'fork' && status !== 'step_up', sent }
}

function statusOf(
  family: ModelFamily,
  { generation, at, sensitive, heals }: PresentedGeneration,
): RotationStatus {
  const found = knownStatus(family, generation, at)
  if (found !== 'older') return family.healed && sensitive && found !== 'fork' ? 'step_up' : found
  const rolledBack =
    heals &&
    !sensitive &&
    !family.healed &&
    !family.settled &&
    family.acked.byClock &&
    family.issued.generation === family.acked.generation &&
    family.predecessors[0]?.generation === generation
  return rolledBack ? 'rolled_back' : 'fork'
}

function knownStatus(
  family: ModelFamily,
  generation: number,
  at: number,
): RotationStatus | 'older' {
  const { issued, acked, displaced, predecessors } = family
  if (generation === issued.generation) return 'current'
  if (generation === acked.generation) return at - issued.mintedAt <= RESEND_S ? 'resend' : 'lost'
  if (displaced?.generation === generation) {
    return at - displaced.at <= RESEND_S ? 'in_flight' : 'fork'
  }
  const predecessor = predecessors.find((of) => of.generation === generation)
  if (predecessor === undefined) return 'fork'
  return at - predecessor.succeededAt <= IN_FLIGHT_S ? 'in_flight' : 'older'
}

function rotate(
  family: ModelFamily,
  status: RotationStatus,
  { generation, at, sensitive }: PresentedGeneration,
): number | undefined {
  switch (status) {
    case 'in_flight':
    case 'step_up':
    case 'fork':
      return undefined
    case 'resend':
      return family.issued.generation
    case 'lost':
      family.displaced = { generation: family.issued.generation, at }
      return mint(family, at, family.issued.byClock && !sensitive)
    case 'rolled_back':
      family.displaced = { generation: family.acked.generation, at }
      family.acked = { generation, mintedAt: 0, byClock: false }
      family.predecessors = family.predecessors.slice(1)
      family.healed = true
      return mint(family, at, false)
    case 'current':
      if (family.issued.generation !== family.acked.generation) acknowledge(family, at)
      if (at - family.acked.mintedAt > SETTLE_S) family.settled = true
      return sensitive || at - family.issued.mintedAt >= ROTATE_S
        ? mint(family, at, !sensitive)
        : undefined
  }
}

function acknowledge(family: ModelFamily, at: number): void {
  const older = family.predecessors.filter(({ succeededAt }) => at - succeededAt <= IN_FLIGHT_S)
  family.predecessors = [{ generation: family.acked.generation, succeededAt: at }, ...older].slice(
    0,
    8,
  )
  family.acked = family.issued
  family.settled = false
}

function mint(family: ModelFamily, mintedAt: number, byClock: boolean): number {
  family.newest++
  family.issued = { generation: family.newest, mintedAt, byClock }
  return family.newest
}
