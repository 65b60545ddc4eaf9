import { expectKind, startProcess, stopProcess, wordOf } from './contender.ts'
import type { Goal } from './goals.ts'
import type { Bench, Part } from './part.ts'
import { progress } from './progress.ts'
import { median } from './rounds.ts'
import { SUBJECT_SESSIONS, type SubjectWord } from './subject-process.ts'
import { times } from './table.ts'

const ROUNDS = 9

/** Measures the time, not the CPU, to list and to revoke all sessions of one subject. */
export const subjectsPart: Part = async ({ startRedis }: Bench) => {
  const redis = await startRedis()
  if (redis === undefined) return { goals: goalsOf() }
  const children = ['./ours/subject.js', './peers/auth-subject.js'].map((program) =>
    startProcess(program, [String(redis.port)]),
  )
  const took = children.map((): Took[] => [])
  try {
    for (const child of children) expectKind(await wordOf<SubjectWord>(child), 'ready')
    // The first round warms up.
    for (let turn = 0; turn <= ROUNDS; turn++) {
      progress(`${SUBJECT_SESSIONS} sessions of one subject, round ${turn} of ${ROUNDS}`)
      for (const [at, child] of children.entries()) {
        child.send('again')
        const word = expectKind(await wordOf<SubjectWord>(child), 'took')
        if (turn > 0) took[at]?.push(word)
      }
    }
  } finally {
    await Promise.all(children.map(stopProcess))
    await redis.stop()
  }

  const [ours, peer] = took.map((all) => ({
    list: median(all.map(({ listMs }) => listMs)),
    revoke: median(all.map(({ revokeMs }) => revokeMs)),
  }))
  if (ours === undefined || peer === undefined) throw new Error('Nobody took part.')
  return {
    tables: [
      {
        title: `${SUBJECT_SESSIONS} sessions of one subject, on Redis, ms:`,
        head: ['', 'ours', 'better-auth + Redis', 'over ours'],
        rows: [
          ['list all', ours.list, peer.list, times(peer.list / ours.list)],
          ['revoke all', ours.revoke, peer.revoke, times(peer.revoke / ours.revoke)],
        ],
        notes: ["not measured: the floor: it keeps no list of a subject's sessions"],
        readme: true,
      },
    ],
    goals: goalsOf(ours.revoke, peer.revoke / ours.revoke, peer.list / ours.list),
  }
}

type Took = Extract<SubjectWord, { readonly kind: 'took' }>

function goalsOf(revokeMs = Number.NaN, revoke = Number.NaN, list = Number.NaN): readonly Goal[] {
  const all = `${SUBJECT_SESSIONS} sessions of one subject`
  return [
    { code: 'U', what: `revoking ${all}`, most: 5, measured: revokeMs, unit: ' ms' },
    {
      code: 'U',
      what: '... better-auth + Redis over ours',
      least: 25,
      measured: revoke,
      unit: 'x',
    },
    {
      code: 'U',
      what: `listing ${all}, better-auth over ours`,
      least: 6,
      measured: list,
      unit: 'x',
    },
  ]
}
