import type { ThiefPreset } from '../demo/thief-presets.ts'
import { type Html, html } from './html.ts'

/** The thief's desk, beside the owner's. `thief.js` drives both. */
export function thiefPage(page: {
  readonly presets: readonly ThiefPreset[]
  readonly loggedIn: boolean
  /** He has a copy of the cookie in his drawer. */
  readonly copied: boolean
}): Html {
  return html`<div class="hero"><div><p class="eyebrow">Stand on the other side</p><h1>Steal your
own session</h1>
<p class="lead">A thief has a copy of your cookie, as malware or a leaked log would give it. Choose
where and with what he shows it, and watch both desks.</p></div></div>
<div class="stage">
<section class="card" aria-labelledby="owner-title">
<h2 id="owner-title">Your desk</h2>
${
  page.loggedIn
    ? html`<p class="muted">This browser asks the catalogue service every few seconds,
as you would.</p>
<p><span class="live" data-owner-live role="status">Starting</span></p>
<ul class="log" data-owner-log aria-label="Your last requests"></ul>`
    : html`<p class="notice warn" data-logged-out>You are logged out. ${
        page.copied
          ? "The thief's copy is still in his drawer: try it."
          : 'There is no cookie to steal: log in first.'
      }</p>
<p><a class="button" href="/login?return=/thief">Log in</a></p>`
}
</section>
<section class="card" aria-labelledby="thief-title">
<h2 id="thief-title">The thief's desk</h2>
<form data-thief${page.loggedIn && html` data-logged-in`}${page.copied && html` data-copied`}>
<fieldset><legend>From where, with what</legend>
<div class="presets">
${page.presets.map(
  (preset, index) =>
    html`<label class="preset"><input type="radio" name="preset" value="${preset.id}"${
      index === 0 && html` checked`
    }><b>${preset.title}</b><small>${preset.about}</small></label>`,
)}
</div></fieldset>
<div class="field"><label for="target">What he tries</label>
<select id="target" name="target">
<option value="browse">Look at the catalogue</option>
<option value="orders">Read your orders</option>
<option value="order">Order eight lanterns (sensitive)</option>
</select></div>
<div class="actions">
<button${!page.loggedIn && !page.copied && html` disabled`}>Show the copied cookie</button>
<button type="button" class="quiet" data-copy${!page.loggedIn && html` disabled`}>Copy the cookie
again</button>
</div>
<p class="small-print" data-copy-note>${copyNote(page)}</p>
</form>
<div class="answer" data-answer aria-live="polite"></div>
</section>
</div>`
}

function copyNote({
  loggedIn,
  copied,
}: {
  readonly loggedIn: boolean
  readonly copied: boolean
}): string {
  if (copied) return 'He holds a copy of your cookie, and keeps what the shop sends him.'
  return loggedIn
    ? 'He copies your cookie at the first try, and keeps what the shop sends him.'
    : 'He has no copy, and there is nothing to copy while you are logged out.'
}
