import { type Cost, hashPassword, passwordMatches } from './password.ts'

export interface User {
  /** The application's own name for the subject; Holdfast keeps only a keyed hash of it. */
  readonly id: string
  readonly name: string
  /** Of the demo phone, base32. A real shop keeps it with the factors alone. */
  readonly totpSecret: string
}

/** The shop's users: a table in memory, in a real shop a database. */
export interface Directory {
  find(id: string): User | undefined
  /**
   * The user when the password is right. A name that nobody has takes as long as a wrong password.
   */
  authenticate(id: string, password: string): Promise<User | undefined>
}

/** A user of the demonstration. The password is printed on the login page. */
export interface DemoUser {
  readonly id: string
  readonly name: string
  readonly about: string
  readonly password: string
  /** Base32. Fixed, so that an authenticator app keeps working over restarts. */
  readonly totpSecret: string
}

export const DEMO_USERS: readonly DemoUser[] = [
  {
    id: 'ada',
    name: 'Ada Lovelace',
    about: 'buys enamel mugs',
    password: 'analytical-engine',
    totpSecret: 'KBTGQ3TUNZSXGZDFNVXS2YLEMEQGC3DM',
  },
  {
    id: 'linus',
    name: 'Linus Pauling',
    about: 'buys oranges, and rope',
    password: 'vitamin-sea',
    totpSecret: 'NRUW45LTFVSGK3LPFVZWKY3SMV2CAZDE',
  },
]

/** `cost`: of a guess at a password, OWASP's unless said otherwise. */
export async function directory(people: readonly DemoUser[], cost?: Cost): Promise<Directory> {
  const rows = await Promise.all(
    people.map(async ({ id, name, password, totpSecret }) => ({
      user: { id, name, totpSecret },
      password: await hashPassword(password, cost),
    })),
  )
  const byId = new Map(rows.map((row) => [row.user.id, row]))
  const nobody = await hashPassword('the password of nobody', cost)

  return {
    find: (id) => byId.get(id)?.user,
    authenticate: async (id, password) => {
      const row = byId.get(id)
      const right = await passwordMatches(password, row?.password ?? nobody)
      return right ? row?.user : undefined
    },
  }
}
