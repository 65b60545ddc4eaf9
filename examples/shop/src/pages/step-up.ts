import type { SensitiveCall } from 'holdfast'
import type { Factor, Offer } from 'holdfast/step-up'
import type { Prompt } from '../gateway/prompts.ts'
import { type Html, html } from './html.ts'
import { deviceName, moment, placeName } from './words.ts'

interface StepUpPage {
  readonly next: string
  readonly form: string
  readonly offer: Offer
  readonly prompt: Pick<Prompt, 'reasons' | 'triesLeft' | 'forked'>
  readonly problem?: string | undefined
  readonly phone: boolean
}

/**
 * Asks for a factor, the strongest first. `phone`: this browser logged in, so the demo phone lies
 * beside it.
 */
export function stepUpPage(page: StepUpPage): Html {
  const { reasons } = page.prompt
  const { factors } = page.offer
  return html`<div class="entrance" data-onward="${onwardPath(page)}">
<section class="card">
<p class="eyebrow">One moment</p>
<h1>Is it you?</h1>
<p>Before this goes on, please show that it is you. Your basket stays as it
is${page.form && ', and so does what you have typed'}.</p>
${page.problem && html`<p class="notice bad" role="alert">${page.problem}</p>`}
${factors.includes('passkey') && passkey(page)}
${factors.includes('totp') && code(page)}
${factors.includes('recovery') && recovery(page)}
${
  factors.length === 0 &&
  html`<p>You have set up no way to do that here. <a href="/account">Your account</a> has them from
where you are known.</p>`
}
<p class="small-print" data-tries>${tries(page.prompt)}</p>
${
  reasons.length > 0 &&
  html`<details><summary class="small-print">Why am I asked?</summary>
<ul class="small-print">${reasons.map((reason) => html`<li>${reason}</li>`)}</ul></details>`
}
</section>
${page.phone ? phone() : noPhone()}
</div>`
}

/** What a wrong answer does: of two holders of one session it proves the thief. */
function tries({ triesLeft, forked }: StepUpPage['prompt']): string {
  if (forked) return 'Two browsers hold this session. A wrong answer ends it for both.'
  return triesLeft === 1
    ? 'One try is left: after another wrong answer this place is asked no more.'
    : `${triesLeft} tries are left from here.`
}

/** Where to go on: through the form that was interrupted, if there is one. */
export function onwardPath({ next, form }: Pick<StepUpPage, 'next' | 'form'>): string {
  if (form === '') return next
  return `/step-up/continue?${new URLSearchParams({ form, return: next })}`
}

/** What two holders of one session did: only its owner knows which of it was not theirs. */
export function meanwhilePage(page: {
  readonly calls: readonly SensitiveCall[]
  readonly onward: string
}): Html {
  return html`<section class="card"><h1>Two browsers held your session</h1>
<p>The other one is out. This is what was done meanwhile and matters. If it was not you, call it off
and change your password.</p>
<div class="scroll"><table class="rows" data-meanwhile><thead><tr><th>When</th><th>What</th>
<th>Browser</th><th>Place</th></tr></thead><tbody>
${page.calls.map(
  ({ at, method, device, network, here }) =>
    html`<tr><td>${moment(at)}</td><td>${method === 'GET' ? 'Looked' : 'Changed or ordered'}</td>
<td>${deviceName(device)}</td><td>${placeName(network)}${
      here && html` <span class="tag good">as you now</span>`
    }</td></tr>`,
)}
</tbody></table></div>
<p><a class="button" href="${page.onward}">Go on</a> <a href="/orders">Look at your orders</a></p>
</section>`
}

/** The form that a step-up interrupted, on its way again. */
export function continuePage(form: Html): Html {
  return html`<div class="card message"><h1>Thank you</h1><p>What you sent is on its way.</p>${form}
</div>`
}

function hidden({ next, form }: StepUpPage, factor: Factor): Html {
  return html`<input type="hidden" name="next" value="${next}"><input type="hidden" name="form"
value="${form}"><input type="hidden" name="factor" value="${factor}">`
}

function passkey(page: StepUpPage): Html {
  return html`<form method="post" action="/step-up" hidden
data-passkey="${JSON.stringify(page.offer.passkey)}">
${hidden(page, 'passkey')}<input type="hidden" name="value">
<button class="wide">Use your passkey</button>
<p class="small-print" data-passkey-note>Your fingerprint, face or PIN stays on your device.</p>
</form>`
}

function code(page: StepUpPage): Html {
  return html`<form method="post" action="/step-up">
${hidden(page, 'totp')}
<div class="field"><label for="code">Six digits from your authenticator app</label>
<input id="code" class="code-field" name="value" inputmode="numeric" autocomplete="one-time-code"
pattern="[0-9０-９]{6}" minlength="6" maxlength="6" required${
    page.offer.passkey === undefined && html` autofocus`
  }></div>
<button class="wide${page.offer.passkey && html` quiet`}">Confirm</button>
</form>`
}

function recovery(page: StepUpPage): Html {
  return html`<details><summary class="small-print">Neither is at hand?</summary>
<form method="post" action="/step-up">
${hidden(page, 'recovery')}
<div class="field"><label for="recovery">One of your recovery codes</label>
<input id="recovery" name="value" autocomplete="off" autocapitalize="characters" spellcheck="false"
maxlength="64" required></div>
<button class="wide">Use it up</button>
</form></details>`
}

/** A phone for those who have none at hand. */
function phone(): Html {
  return html`<section class="demo card" aria-label="Demo phone">
<p class="eyebrow">Demo phone, for this demonstration only</p>
<div class="phone" data-phone>
<p class="small-print">Kelp &amp; Keel</p>
<output aria-live="off">······</output>
<progress max="30" value="30" aria-label="Seconds left"></progress>
<p class="small-print" data-phone-note>Each code works once.</p>
</div>
</section>`
}

function noPhone(): Html {
  return html`<section class="card demo">
<p class="eyebrow">No phone here</p>
<p>The demo phone lies with the browser that logged in. Whoever only has the cookie does not have
it.</p>
</section>`
}
