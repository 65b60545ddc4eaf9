import { timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * YOURS TO REPLACE: look the user up, and compare with the hash of the password that you keep
 * (scrypt or Argon2). Holdfast starts where the login ends. Until then one user is known, `demo`,
 * with the password in `.holdfast/demo-password`.
 */
export function checkLogin(form: unknown): string | undefined {
  const user = fieldOf(form, 'name') === 'demo' ? 'demo' : undefined
  return isSame(fieldOf(form, 'password'), demoPassword) ? user : undefined
}

const home = process.env.SESSIONS_HOME ?? '.holdfast'
const demoPassword = readFileSync(join(home, 'demo-password'), 'utf8').trim()

/** In constant time, so that an answer's haste does not tell how much was right. */
function isSame(given: string, wanted: string): boolean {
  const bytes = Buffer.from(given)
  return bytes.length === wanted.length && timingSafeEqual(bytes, Buffer.from(wanted))
}

/** A text field of a parsed body; empty where there is none. */
export function fieldOf(body: unknown, name: string): string {
  const fields = typeof body === 'object' && body !== null ? body : {}
  const value = Object.hasOwn(fields, name) ? Reflect.get(fields, name) : ''
  return typeof value === 'string' ? value : ''
}
