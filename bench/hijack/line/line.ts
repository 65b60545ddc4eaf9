import {
  createSessions,
  type Host,
  type Keyring,
  newKeyring,
  type RequestFacts,
  type Sessions,
} from 'holdfast'
import { branchingStore, copyOf, emptyBranch } from '../engines/branching-store.ts'
import { hostOf } from '../engines/ours.ts'

/** Which secrets are shown: those of a cookie, or those of a refresh token. */
export type Kind = 'session' | 'refresh'

/** How a secret is shown. */
export interface Showing {
  readonly sensitive?: boolean
  /** The answer can carry a secret. Default true. */
  readonly deliverable?: boolean
  /** Through the other address of the line. */
  readonly bySix?: boolean
}

export interface Answer {
  readonly ok: boolean
  /** The secret that it brings. */
  readonly sent: string | undefined
}

/** One line of secrets of the real engine, and a time that moves by itself. */
export interface Line {
  readonly keyring: Keyring
  now(): number
  /** The same as the engine tells it, ms since the epoch. */
  instant(): number
  /** Plans something for an instant. */
  at(when: number, happens: () => void | Promise<void>): void
  /** Lets time pass until nothing is planned, or `stopped` says so. */
  run(stopped: () => boolean): Promise<void>
  login(): Promise<string>
  show(secret: string, how?: Showing): Promise<Answer>
  /** What the answer would be, without any effect. */
  foresee(secret: string, how?: Showing): Promise<Answer>
}

/** Both addresses of one home: no evidence comes from anything but the secrets. */
const ADDRESSES = ['192.0.2.10', '2001:db8:7::10'] as const
const PROVIDER = { asn: 64_500, country: 'NO', latitude: 59.91, longitude: 10.75 } as const

const HEADERS = {
  'user-agent':
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
    'Chrome/156.0.0.0 Safari/537.36',
  'accept-language': 'nb-NO,nb;q=0.9,en;q=0.8',
}

export function lineOf(kind: Kind): Line {
  const branch = emptyBranch()
  const clock = { at: 0 }
  const host = hostOf(clock)
  const keyring = newKeyring()
  const plan = planned()
  const sessions = engineOver({ branch, host, keyring })

  return {
    keyring,
    now: () => clock.at,
    instant: () => host.now(),
    at: (when, happens) => plan.add(Math.max(when, clock.at), happens),
    async run(stopped) {
      for (let next = plan.take(); next !== undefined && !stopped(); next = plan.take()) {
        clock.at = next.when
        await next.happens()
      }
    },
    async login() {
      const created = await sessions.create({
        subject: 'ada',
        class: 'remember',
        amr: ['pwd', 'otp'],
        factors: ['otp'],
        refresh: kind === 'refresh',
        request: requestOf({}),
      })
      if (!created.ok) throw new Error(`a login was refused: ${created.code}`)
      return kind === 'refresh' ? (created.refreshToken ?? '') : created.token
    },
    show: (secret, how = {}) => ask(sessions, kind, secret, how),
    foresee: (secret, how = {}) =>
      ask(engineOver({ branch: copyOf(branch), host, keyring }), kind, secret, how),
  }
}

function engineOver({
  branch,
  host,
  keyring,
}: {
  readonly branch: ReturnType<typeof emptyBranch>
  readonly host: Host
  readonly keyring: Keyring
}): Sessions {
  const store = branchingStore(branch, () => host.now())
  return createSessions({ store, keyring, host, lookup: () => PROVIDER })
}

async function ask(
  sessions: Sessions,
  kind: Kind,
  token: string,
  { sensitive = false, deliverable = true, bySix = false }: Showing,
): Promise<Answer> {
  const request = requestOf({ bySix })
  if (kind === 'refresh') {
    const answer = await sessions.refresh({ token, request, deliverable })
    return { ok: answer.ok, sent: answer.ok ? answer.refreshToken : undefined }
  }
  const sensitivity = sensitive ? 'sensitive' : 'normal'
  const answer = await sessions.verify({ token, request, deliverable, sensitivity })
  return { ok: answer.ok, sent: answer.ok ? answer.token : undefined }
}

function requestOf({ bySix = false }: { readonly bySix?: boolean }): RequestFacts {
  return {
    ip: ADDRESSES[bySix ? 1 : 0],
    method: 'GET',
    url: '/',
    headers: HEADERS,
    client: { screen: '2560x1440x1', timezone: 'Europe/Oslo' },
  }
}

interface Happening {
  readonly when: number
  readonly happens: () => void | Promise<void>
}

/** What is to happen, in order of time and then of planning: a binary heap. */
function planned(): {
  add(when: number, happens: Happening['happens']): void
  take(): Happening | undefined
} {
  const heap: (Happening & { readonly number: number })[] = []
  let count = 0
  const before = (a: number, b: number): boolean => {
    const [x, y] = [heap[a], heap[b]]
    if (x === undefined || y === undefined) return x !== undefined
    return x.when === y.when ? x.number < y.number : x.when < y.when
  }
  const swap = (a: number, b: number): void => {
    const [x, y] = [heap[a], heap[b]]
    if (x === undefined || y === undefined) return
    heap[a] = y
    heap[b] = x
  }
  return {
    add(when, happens) {
      heap.push({ when, happens, number: count++ })
      for (let at = heap.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1
        if (!before(at, parent)) break
        swap(at, parent)
        at = parent
      }
    },
    take() {
      swap(0, heap.length - 1)
      const first = heap.pop()
      for (let at = 0; ; ) {
        const left = 2 * at + 1
        const least = before(left + 1, left) ? left + 1 : left
        if (least >= heap.length || !before(least, at)) break
        swap(at, least)
        at = least
      }
      return first
    },
  }
}
