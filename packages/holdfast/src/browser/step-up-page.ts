/**
 * Whether this browser can do passkeys, JSON included (WebAuthn Level 3, section 5.1; all engines
 * since 2025).
 */
export function canPasskeys(): boolean {
  return typeof globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON === 'function'
}

/**
 * Asks the person for a passkey. `options`: the `passkey` of the server's offer. The text to send
 * back as the answer's `value`. Rejects, as the browser does, when the person declines: that is no
 * wrong answer, and nothing to report.
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
 * Makes a passkey. `options`: what `beginPasskey` gave. The text to send back for `finishPasskey`.
 */
export async function newPasskey(options: unknown): Promise<string> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    options as PublicKeyCredentialCreationOptionsJSON,
  )
  return JSON.stringify(await navigator.credentials.create({ publicKey }))
}

/**
 * Sends the form that a step-up interrupted (`heldFormMarkup` of `holdfast/step-up`), if this page
 * holds one. Not for a page that the person came back to: it would be sent twice.
 */
export function continueForm(): void {
  const form = document.querySelector<HTMLFormElement>('form[data-holdfast-held]')
  const [visit] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  if (form === null || visit?.type === 'back_forward') return
  // A field may be called "submit", and would stand in its way.
  HTMLFormElement.prototype.submit.call(form)
}
