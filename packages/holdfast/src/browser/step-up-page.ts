/**
 * Whether this browser can do passkeys, JSON included (WebAuthn Level 3, section 5.1; all engines
 * since 2025).
 */
export function canPasskeys(): boolean {
  return typeof globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON === 'function'
}

/**
 * Asks the person for a passkey. `options` is the `passkey` of the server's offer. Resolves to the
 * text to send back as the answer's `value`. Rejects, as the browser does, when the person
 * declines; that is not a wrong answer and need not be reported.
 *
 * @example
 * form.elements.namedItem('value').value = await provePasskey(JSON.parse(form.dataset.passkey))
 * form.submit()
 */
export async function provePasskey(options: unknown): Promise<string> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
    options as PublicKeyCredentialRequestOptionsJSON,
  )
  return JSON.stringify(await navigator.credentials.get({ publicKey }))
}

/**
 * Makes a passkey. `options` is what `beginPasskey` gave. Resolves to the text to send back for
 * `finishPasskey`.
 */
export async function newPasskey(options: unknown): Promise<string> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    options as PublicKeyCredentialCreationOptionsJSON,
  )
  return JSON.stringify(await navigator.credentials.create({ publicKey }))
}

/**
 * Sends the form that a step-up interrupted (`heldFormMarkup` of `holdfast/step-up`), if this page
 * holds one. It does nothing when the person comes back to the page, which would send it twice.
 */
export function continueForm(): void {
  const form = document.querySelector<HTMLFormElement>('form[data-holdfast-held]')
  const [visit] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  if (form === null || visit?.type === 'back_forward') return
  // A field called "submit" would hide the form's own method.
  HTMLFormElement.prototype.submit.call(form)
}
