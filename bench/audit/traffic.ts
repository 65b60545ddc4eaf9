import { requestFrom } from '../facts.ts'
import { addressAt } from '../places.ts'
import { call } from './call.ts'

/** Ordinary people: most requests are verified, one in twenty is a logout and the next login. */
export interface Traffic {
  /** Ends it. Answers how long each verification took, ms, in ascending order. */
  stop(): Promise<readonly number[]>
}

const PEOPLE = 300
const LOGIN_EVERY = 20

/** Requests are due at even distances, whether or not those before were answered. */
export async function ordinaryTraffic(url: string, perSecond: number): Promise<Traffic> {
  const tokens = await Promise.all(Array.from({ length: PEOPLE }, (_, turn) => login(turn)))
  const took: number[] = []
  const underWay = new Set<Promise<void>>()
  let failed: unknown
  let count = 0
  const began = performance.now()

  async function login(turn: number): Promise<string> {
    const request = requestFrom(addressAt(turn, 'home'))
    const { token } = await call(url, '/v1/sessions', {
      ...{ subject: `visitor-${turn}`, amr: ['pwd'], request },
    })
    return token ?? fail('A login was refused.')
  }

  async function one(turn: number, isLogin: boolean): Promise<void> {
    const token = tokens[turn] ?? ''
    if (isLogin) {
      await call(url, '/v1/logout', { token })
      tokens[turn] = await login(turn)
      return
    }
    const request = requestFrom(addressAt(turn, 'home'))
    const sent = performance.now()
    const answer = await call(url, '/v1/verify', { token, request, deliverable: true })
    took.push(performance.now() - sent)
    if (answer.ok !== true) fail(`A verification was refused: ${answer.code}`)
    tokens[turn] = answer.token ?? token
  }

  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - began) * perSecond) / 1_000)
    for (; count < due; count++) {
      const asked = one(count % PEOPLE, count % LOGIN_EVERY === 0)
        .catch((error: unknown) => {
          clearInterval(timer)
          failed ??= error
        })
        .finally(() => underWay.delete(asked))
      underWay.add(asked)
    }
  }, 5)

  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(underWay)
      if (failed !== undefined) throw failed
      return took.toSorted((a, b) => a - b)
    },
  }
}

function fail(why: string): never {
  throw new Error(why)
}
