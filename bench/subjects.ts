import { createSessions, newKeyring, type RequestFacts, type Sessions, type Store } from 'holdfast'

/** A browser as it shows itself at every request. */
export const REQUEST: RequestFacts = {
  ip: '203.0.113.7',
  method: 'GET',
  url: '/orders',
  headers: {
    'user-agent':
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Safari/537.36',
    'accept-language': 'nb-NO,nb;q=0.9,en;q=0.8',
    'sec-ch-ua': '"Chromium";v="147", "Google Chrome";v="147", "Not.A/Brand";v="24"',
    'sec-ch-ua-mobile': '?0',
    'sec-ch-ua-platform': '"Windows"',
  },
  client: { screen: '2560x1440x1', timezone: 'Europe/Oslo' },
}

/** The same browser on another line of the same provider: nothing alarming, but every signal has to look. */
export const NEXT_STREET: RequestFacts = { ...REQUEST, ip: '203.0.112.7' }

const SESSIONS = 256

/** Sessions of as many subjects, and their tokens. */
export interface Estate {
  readonly sessions: Sessions
  readonly tokens: readonly string[]
  /** Another token at each call, in turn. */
  next(): string
}

export async function estateOn(store: Store): Promise<Estate> {
  const sessions = createSessions({ store, keyring: newKeyring() })
  const tokens: string[] = []
  for (let i = 0; i < SESSIONS; i++) {
    const created = await sessions.create({
      subject: `subject-${i}`,
      request: REQUEST,
      amr: ['pwd'],
      factors: ['otp'],
    })
    if (!created.ok) throw new Error(`A login was refused: ${created.code}`)
    tokens.push(created.token)
  }
  let at = 0
  return { sessions, tokens, next: () => tokens[at++ % SESSIONS] ?? '' }
}

/** Verifies and makes sure of the answer: a bench of refusals would look fast. */
export async function passes(
  sessions: Sessions,
  token: string,
  request: RequestFacts,
): Promise<void> {
  const answer = await sessions.verify({ token, request })
  if (!answer.ok) throw new Error(`A verification was refused: ${answer.code}`)
}

export async function isRefused(sessions: Sessions, token: string): Promise<void> {
  const answer = await sessions.verify({ token, request: REQUEST })
  if (answer.ok || answer.code !== 'token_malformed')
    throw new Error('Garbage was not refused as such.')
}
