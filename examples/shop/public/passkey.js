import { api } from './api.js'
import { canPasskeys, newPasskey, provePasskey } from './holdfast/step-up-page.js'

/**
 * The step-up page: the passkey's proof is the form's value. Without scripts there is no such form.
 */
for (const form of document.querySelectorAll('form[data-passkey]')) {
  form.hidden = !canPasskeys()
  const options = JSON.parse(form.dataset.passkey)
  onSubmit(form, () => provePasskey(options))
}

/** The account page: a new passkey is the form's value. */
for (const form of document.querySelectorAll('form[data-new-passkey]')) {
  form.hidden = !canPasskeys()
  onSubmit(form, async () => newPasskey(await api('/account/passkeys/begin', { method: 'POST' })))
}

/** Declining is no wrong answer: nothing is sent, and nothing is reported. */
function onSubmit(form, ask) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    try {
      form.elements.namedItem('value').value = await ask()
    } catch (error) {
      form.querySelector('[data-passkey-note]').textContent =
        error.name === 'InvalidStateError'
          ? 'This device has a passkey for the shop already.'
          : 'No passkey was used. Try once more, or another way.'
      return
    }
    form.submit()
  })
}
