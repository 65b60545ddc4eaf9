import { DEMO_USERS } from '../users/directory.ts'
import { type Html, html } from './html.ts'

/** The login page. `next`: a path of this shop to go on to. */
export function loginPage(page: {
  readonly next: string
  readonly problem?: string | undefined
  readonly name?: string | undefined
}): Html {
  return html`<div class="entrance">
<section class="card">
<p class="eyebrow">Welcome aboard</p>
<h1>Log in</h1>
${page.problem && html`<p class="notice bad" role="alert">${page.problem}</p>`}
<form method="post" action="/login" data-holdfast>
<input type="hidden" name="next" value="${page.next}">
<div class="field"><label for="name">Name</label>
<input id="name" name="name" autocomplete="username" autocapitalize="none" required maxlength="64"
value="${page.name ?? ''}"></div>
<div class="field"><label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required
maxlength="128"></div>
<label class="choice"><input type="checkbox" name="remember" value="yes"><span>Keep me logged in on
this device</span></label>
<button class="wide">Log in</button>
</form>
</section>
<section class="card demo">
<p class="eyebrow">Demonstration data</p>
<h2>Two customers to try</h2>
<ul class="people">
${DEMO_USERS.map(
  (user) => html`<li><span><strong>${user.name}</strong>, ${user.about}<br>
<code>${user.id}</code> · <code>${user.password}</code></span>
<button type="button" class="quiet small" data-fill-name="${user.id}"
data-fill-password="${user.password}">Fill in</button></li>`,
)}
</ul>
<p class="small-print">The password only opens the door. When the shop needs to be surer, it asks
for a code as well: a demo phone shows it, so you need none of your own.</p>
</section>
</div>`
}
