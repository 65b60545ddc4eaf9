/** A line of secrets as a model: generations alone, seconds, one context. */
export interface ModelLine {
  issued: ModelSecret
  acked: ModelSecret
  predecessors: readonly { readonly generation: number; readonly succeededAt: number }[]
  displaced: { readonly generation: number; readonly at: number } | null
  newest: number
  /** `acked` was shown longer after it was sent than a jar may take to commit it. */
  settled: boolean
  /** A rolled-back jar was let in: once a family. Sensitive calls need a step-up from then on. */
  healed: boolean
}

interface ModelSecret {
  readonly generation: number
  readonly mintedAt: number
  /** Minted because five minutes had passed, not for a sensitive call. */
  readonly byClock: boolean
}

export type Row = 'current' | 'resend' | 'lost' | 'in_flight' | 'rolled_back' | 'step_up' | 'fork'

export const RESEND_S = 10
const IN_FLIGHT_S = 60
const SETTLE_S = 35
const ROTATE_S = 300

export function startLine(): ModelLine {
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

export interface Showing {
  readonly generation: number
  readonly at: number
  readonly sensitive: boolean
  /** With the row that decision 16 proposes. */
  readonly heals: boolean
}

/** Judges and moves the line on. */
export function show(
  line: ModelLine,
  showing: Showing,
): { readonly row: Row; readonly ok: boolean; readonly sent: number | undefined } {
  const row = statusOf(line, showing)
  const sent = advance(line, row, showing)
  return { row, ok: row !== 'fork' && row !== 'step_up', sent }
}

function statusOf(line: ModelLine, { generation, at, sensitive, heals }: Showing): Row {
  const found = knownRow(line, generation, at)
  if (found !== 'older') return line.healed && sensitive && found !== 'fork' ? 'step_up' : found
  const rolledBack =
    heals &&
    !sensitive &&
    !line.healed &&
    !line.settled &&
    line.acked.byClock &&
    line.issued.generation === line.acked.generation &&
    line.predecessors[0]?.generation === generation
  return rolledBack ? 'rolled_back' : 'fork'
}

function knownRow(line: ModelLine, generation: number, at: number): Row | 'older' {
  const { issued, acked, displaced, predecessors } = line
  if (generation === issued.generation) return 'current'
  if (generation === acked.generation) return at - issued.mintedAt <= RESEND_S ? 'resend' : 'lost'
  if (displaced?.generation === generation) {
    return at - displaced.at <= RESEND_S ? 'in_flight' : 'fork'
  }
  const predecessor = predecessors.find((of) => of.generation === generation)
  if (predecessor === undefined) return 'fork'
  return at - predecessor.succeededAt <= IN_FLIGHT_S ? 'in_flight' : 'older'
}

function advance(
  line: ModelLine,
  row: Row,
  { generation, at, sensitive }: Showing,
): number | undefined {
  switch (row) {
    case 'in_flight':
    case 'step_up':
    case 'fork':
      return undefined
    case 'resend':
      return line.issued.generation
    case 'lost':
      line.displaced = { generation: line.issued.generation, at }
      return mint(line, at, line.issued.byClock && !sensitive)
    case 'rolled_back':
      line.displaced = { generation: line.acked.generation, at }
      line.acked = { generation, mintedAt: 0, byClock: false }
      line.predecessors = line.predecessors.slice(1)
      line.healed = true
      return mint(line, at, false)
    case 'current':
      if (line.issued.generation !== line.acked.generation) acknowledge(line, at)
      if (at - line.acked.mintedAt > SETTLE_S) line.settled = true
      return sensitive || at - line.issued.mintedAt >= ROTATE_S
        ? mint(line, at, !sensitive)
        : undefined
  }
}

function acknowledge(line: ModelLine, at: number): void {
  const older = line.predecessors.filter(({ succeededAt }) => at - succeededAt <= IN_FLIGHT_S)
  line.predecessors = [{ generation: line.acked.generation, succeededAt: at }, ...older].slice(0, 8)
  line.acked = line.issued
  line.settled = false
}

function mint(line: ModelLine, mintedAt: number, byClock: boolean): number {
  line.newest++
  line.issued = { generation: line.newest, mintedAt, byClock }
  return line.newest
}
