import type { Prompt } from '../gateway/prompts.ts'
import { type Html, html } from './html.ts'

/** Asks for the second factor. `phone`: this browser logged in, so the demo phone lies beside it. */
export function stepUpPage(page: {
  readonly next: string
  readonly prompt: Pick<Prompt, 'reasons' | 'triesLeft'>
  readonly problem?: string | undefined
  readonly phone: boolean
}): Html {
  const { reasons, triesLeft } = page.prompt
  return html`<div class="entrance">
<section class="card">
<p class="eyebrow">One moment</p>
<h1>Is it you?</h1>
<p>Before this goes on, please enter the six digits that your authenticator app shows for Kelp &amp; Keel. Your basket stays as it is.</p>
${page.problem && html`<p class="notice bad" role="alert">${page.problem}</p>`}
<form method="post" action="/step-up">
<input type="hidden" name="next" value="${page.next}">
<div class="field"><label for="code">Code</label>
<input id="code" class="code-field" name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}" minlength="6" maxlength="6" required autofocus></div>
<button class="wide">Confirm</button>
<p class="small-print" data-tries>${
    triesLeft === 1 ? 'One try is left from here.' : `${triesLeft} tries are left from here.`
  }</p>
</form>
${
  reasons.length > 0 &&
  html`<details><summary class="small-print">Why am I asked?</summary><ul class="small-print">${reasons.map(
    (reason) => html`<li>${reason}</li>`,
  )}</ul></details>`
}
</section>
${page.phone ? phone() : noPhone()}
</div>`
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
<p>The demo phone lies with the browser that logged in. Whoever only has the cookie does not have it.</p>
</section>`
}
