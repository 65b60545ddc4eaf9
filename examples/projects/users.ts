/** Stand-ins for the login and the factor that you have: Holdfast starts where they end. */
export function userOf(login: unknown): string | undefined {
  const right = textOf(login, 'name') === 'ada' && textOf(login, 'password') === 'lovelace'
  return right ? 'ada' : undefined
}

export function proverOf(proof: unknown): string | undefined {
  return textOf(proof, 'code') === '428571' ? 'ada' : undefined
}

export function textOf(body: unknown, name: string): string {
  const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : ''
  return typeof value === 'string' ? value : ''
}
