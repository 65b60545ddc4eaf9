/** The parts of a browser that ask for passkeys. A page passes nothing: its own are the default. */
export interface PasskeyWindow {
  readonly navigator: {
    readonly credentials: {
      get(options: { readonly publicKey: unknown }): Promise<unknown>
      create(options: { readonly publicKey: unknown }): Promise<unknown>
    }
  }
  readonly PublicKeyCredential?:
    | {
        parseRequestOptionsFromJSON?(options: unknown): unknown
        parseCreationOptionsFromJSON?(options: unknown): unknown
      }
    | undefined
}

/** Whether this browser can do passkeys, JSON included (WebAuthn Level 3; all engines since 2025). */
export function canPasskeys(page: PasskeyWindow = own()): boolean {
  return page.PublicKeyCredential?.parseRequestOptionsFromJSON !== undefined
}

/**
 * Asks the person for a passkey. `options`: the `passkey` of the server's offer. The text to send back as the answer's
 * `value`. Rejects, as the browser does, when the person declines: that is no wrong answer, and nothing to report.
 *
 * @example
 * form.elements.value.value = await provePasskey(JSON.parse(form.dataset.passkey))
 * form.submit()
 */
export async function provePasskey(options: unknown, page: PasskeyWindow = own()): Promise<string> {
  const publicKey = page.PublicKeyCredential?.parseRequestOptionsFromJSON?.(options)
  return JSON.stringify(await page.navigator.credentials.get({ publicKey }))
}

/** Makes a passkey. `options`: what `beginPasskey` gave. The text to send back for `finishPasskey`. */
export async function newPasskey(options: unknown, page: PasskeyWindow = own()): Promise<string> {
  const publicKey = page.PublicKeyCredential?.parseCreationOptionsFromJSON?.(options)
  return JSON.stringify(await page.navigator.credentials.create({ publicKey }))
}

function own(): PasskeyWindow {
  return globalThis as unknown as PasskeyWindow
}
