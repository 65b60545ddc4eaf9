import { hkdfSync } from 'node:crypto'
import type { HeldForm, HeldForms } from '../adapters/guard/held-form.ts'
import { scanCookies } from '../carriers/scan-cookies.ts'
import { systemHost } from '../codecs/system-host.ts'
import { fromBase64url, toBase64url } from '../core/base64url.ts'
import type { Host } from '../core/host.ts'
import { func, hostOption, made, needed } from '../core/option-kinds.ts'
import { checked, type OptionsOf, type OptionTable } from '../core/options.ts'
import { SEAL_KEY_BYTES, seal, unseal } from './sealed.ts'

/** Where held forms lie, sealed: any cache that the application has. */
export interface FormStore {
  /** `until`: UTC, ms; nothing is read after it. */
  put(id: string, sealed: Uint8Array, until: number): Promise<void>
  /** Reads and deletes in one step, as `GETDEL` does: of two who ask at once, one gets it. */
  take(id: string): Promise<Uint8Array | undefined>
}

/** Options of {@link heldForms}. */
export interface HeldFormsOptions {
  readonly store: FormStore
  readonly host?: Host
  /**
   * Hears, once, that a form could not be held, because the store failed or did not answer within
   * 2 s: its sender fills it in again. Default: `process.emitWarning`.
   */
  readonly onWarning?: (message: string) => void
}

/** The options of `heldForms()`. */
export const HELD_FORMS_OPTIONS = {
  of: 'heldForms()',
  fields: {
    store: needed(
      made<FormStore>("a store of forms, such as memoryForms() of 'holdfast/step-up'", [
        'put',
        'take',
      ]),
      'store: memoryForms()',
    ),
    host: hostOption,
    onWarning: func<(message: string) => void>('it hears of a form that could not be held'),
  } satisfies OptionsOf<HeldFormsOptions>,
  aliases: { forms: 'store', cache: 'store' },
} satisfies OptionTable

const COOKIE = '__Host-held-forms'
/** Stands in where a browser keeps no `Secure` cookies: on the machine of whoever develops. */
const PLAIN_COOKIE = 'held-forms'
const ID_BYTES = 16
const HELD_MS = 10 * 60_000
const MAX_FIELDS = 256
const PUT_MS = 2_000
const MAX_BYTES = 32 * 1024

/**
 * Holds forms that a step-up interrupts, for ten minutes and at most 32 KiB each. The key that
 * opens them lies in a cookie of the browser that posted them and nowhere else: the store has
 * sealed bytes, the address an id that opens nothing, and nobody can slip a form of their own into
 * somebody else's step-up.
 */
export function heldForms(options: HeldFormsOptions): HeldForms {
  const { store, host = systemHost() } = checked(HELD_FORMS_OPTIONS, options)
  const { onWarning = (message) => process.emitWarning(message) } = options
  let warned = false

  function lost(cause: unknown): undefined {
    if (!warned) onWarning(`A form that a step-up interrupts was not held: ${String(cause)}`)
    warned = true
  }

  return {
    async hold(form, { session, cookies, plain: isPlain = false }) {
      const plain = Buffer.from(JSON.stringify(form))
      if (form.fields.length > MAX_FIELDS || plain.length > MAX_BYTES) return undefined
      const name = isPlain ? PLAIN_COOKIE : COOKIE
      const key = keyIn(cookies, name) ?? host.random(SEAL_KEY_BYTES)
      const id = toBase64url(host.random(ID_BYTES))
      const sealed = seal(plain, {
        key: keyFor(key, id),
        associatedData: associatedDataOf(id, session, name),
        host,
      })
      try {
        await inTime(store.put(id, sealed, host.now() + HELD_MS))
      } catch (cause) {
        // Its sender is asked to step up all the same.
        return lost(cause)
      }
      const age = HELD_MS / 1000
      return {
        id,
        setCookie:
          `${name}=${toBase64url(key)}; Path=/; Max-Age=${age}; ` +
          `${isPlain ? '' : 'Secure; '}HttpOnly; SameSite=Lax`,
      }
    },

    async take(id, { session, cookies }) {
      // Anybody may plant a cookie without a prefix. It opens what was held for development alone.
      const name = keyIn(cookies, COOKIE) === undefined ? PLAIN_COOKIE : COOKIE
      const key = keyIn(cookies, name)
      // A client without a key must not take the form away from the one that has it. The id comes
      // out of an address, and may be of any type.
      if (key === undefined || typeof id !== 'string') return undefined
      if (fromBase64url(id)?.length !== ID_BYTES) return undefined
      const sealed = await store.take(id)
      const associatedData = associatedDataOf(id, session, name)
      const plain = sealed && unseal(sealed, { key: keyFor(key, id), associatedData })
      return plain && (JSON.parse(plain.toString()) as HeldForm)
    },
  }
}

/** Rejects where it takes too long. */
function inTime<T>(work: Promise<T>): Promise<T> {
  let late: ReturnType<typeof setTimeout> | undefined
  const tooLate = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Error('its store did not answer in time')), PUT_MS)
  })
  return Promise.race([work, tooLate]).finally(() => clearTimeout(late))
}

function keyIn(cookies: string | undefined, name: string): Uint8Array | undefined {
  const [value, another] = scanCookies(cookies ?? '', name)
  const key = value === undefined || another !== undefined ? undefined : fromBase64url(value)
  return key?.length === SEAL_KEY_BYTES ? key : undefined
}

function keyFor(key: Uint8Array, id: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, id, 'holdfast held form', SEAL_KEY_BYTES))
}

function associatedDataOf(id: string, session: string, name: string): string {
  return JSON.stringify(name === COOKIE ? [id, session] : [id, session, name])
}

const MOST_HELD = 1_000

/** Holds forms in this process, at most a thousand: for one process behind one address. */
export function memoryForms({
  now = () => Date.now(),
}: {
  readonly now?: () => number
} = {}): FormStore {
  const held = new Map<string, { readonly sealed: Uint8Array; readonly until: number }>()

  return {
    async put(id, sealed, until) {
      const oldest = held.keys().next()
      if (held.size >= MOST_HELD && !oldest.done) held.delete(oldest.value)
      held.set(id, { sealed, until })
    },
    async take(id) {
      const found = held.get(id)
      held.delete(id)
      return found !== undefined && found.until > now() ? found.sealed : undefined
    },
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * A held form as markup, everything escaped: `continueForm()` of `holdfast/browser/step-up-page`
 * sends it again, or the person does. It goes through the guard as any other, its form token
 * included.
 *
 * @param button What the button says where no script runs.
 */
export function heldFormMarkup({ action, fields }: HeldForm, button: string): string {
  const inputs = fields.map(
    ([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`,
  )
  return (
    `<form method="post" action="${escaped(action)}" data-holdfast-held>${inputs.join('')}` +
    `<button>${escaped(button)}</button></form>`
  )
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => ESCAPES[letter] ?? letter)
}
