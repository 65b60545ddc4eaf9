/** Why a Redis that answers does not do what it is asked, and the mend. */
export interface Refusal {
  /** The word in front of its message, for example `READONLY`. */
  readonly kind: string
  readonly cause: string
  readonly mend: string
  /**
   * Another server is the master, so this one may not know of a revocation: nothing is read from
   * it.
   */
  readonly elsewhere: boolean
}

/** What a connection meets that leads to a replica. */
export const REPLICA = 'READONLY the server is a replica'

const KINDS: Readonly<Record<string, Omit<Refusal, 'kind'>>> = {
  READONLY: {
    cause: 'this server is a replica and takes no writes',
    mend:
      'Lead the name of Redis to the master, or name its Sentinels. A client of your own has to ' +
      'connect anew on this error (reconnectOnError of ioredis)',
    elsewhere: true,
  },
  MASTERDOWN: {
    cause: 'this server is a replica that has lost its master',
    mend:
      'Lead the name of Redis to the master, or name its Sentinels. A client of your own has to ' +
      'connect anew on this error (reconnectOnError of ioredis)',
    elsewhere: true,
  },
  LOADING: {
    cause: 'it is still loading its data',
    mend: 'It ends by itself; its own log says how far it is',
    elsewhere: false,
  },
  MISCONF: {
    cause: 'it could not save its data to disk, and is set to take no writes until it can',
    mend: 'See its own log, and give it room and the right to write its directory',
    elsewhere: false,
  },
  NOREPLICAS: {
    cause: 'fewer replicas follow it than min-replicas-to-write asks for',
    mend: 'Bring its replicas back, or ask for fewer',
    elsewhere: false,
  },
  CLUSTERDOWN: {
    cause: 'the Cluster does not serve all of its slots',
    mend: 'Bring the masters that are missing back, or fail over to their replicas',
    elsewhere: false,
  },
  OOM: {
    cause: 'its memory is full (maxmemory)',
    mend: 'Give it more. Sessions can still be ended',
    elsewhere: false,
  },
  NOAUTH: {
    cause: 'it wants a password',
    mend: 'Give the user and the password of Redis',
    elsewhere: false,
  },
  WRONGPASS: {
    cause: 'user or password are wrong, or the user is off',
    mend: 'Correct the user and the password of Redis',
    elsewhere: false,
  },
}

/** In front of it: nothing, or what `ioredis` says where it has asked a Cluster again and again. */
const SAID = /^(?:Too many Cluster redirections\. Last error: (?:\w*Error: )?)?-?([A-Z]{3,20}) /

/** What a failure says, if a server refused. Also where a script met it, in Redis 6 and newer. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error)) return undefined
  const { message } = error
  const first = SAID.exec(message)?.[1]
  const kind = first === 'ERR' ? /: -([A-Z]{3,20}) /.exec(message)?.[1] : first
  const known = kind === undefined || !Object.hasOwn(KINDS, kind) ? undefined : KINDS[kind]
  return kind === undefined || known === undefined ? undefined : { kind, ...known }
}

const RIGHTS =
  'Give it the rights of docs/stores.md: ACL SETUSER NAME ~hf:* &hf:wake +@read +@write ' +
  '-@dangerous +@scripting +@pubsub +info +ping'

/** What a user may not do, where Redis says so. Redis 7.0 does not name a command in a script. */
export function missingRight(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { message } = error
  const inScript = message.includes('The user executing the script can')
  if (!inScript && !/(?:^-?|: -)NOPERM /.test(message)) return undefined
  const command = /'([a-z|]{1,40})' (?:command|sub)/i.exec(message)?.[1]
  let what = `run ${command?.toUpperCase() ?? 'a command of the script'}`
  if (/\bkeys\b/.test(message)) what = 'touch the keys that the store uses'
  if (/\bchannels\b/.test(message)) what = 'use the channel of wake-ups'
  return `its user may not ${what}. ${RIGHTS}`
}
