import type { SessionDetail, SessionView } from 'holdfast'
import type { User } from '../users/directory.ts'
import { type Html, html } from './html.ts'
import { formTokenField } from './layout.ts'
import { deviceName, methodNames, moment, placeName } from './words.ts'

/** Who you are, how you are logged in, and where else. */
export function accountPage(page: {
  readonly user: User
  readonly session: SessionView
  readonly sessions: readonly SessionDetail[]
  readonly done?: string | undefined
  /** The demo phone lies beside this browser: only then is its key shown. */
  readonly phone: boolean
}): Html {
  const visitor = { name: page.user.name, formToken: page.session.formToken }
  return html`<div class="stack">
<h1>Your account</h1>
${page.done && html`<p class="notice ok" role="status">${page.done}</p>`}
<div class="split">
<section class="card"><h2>This session</h2>
<dl class="facts">
<dt>Customer</dt><dd>${page.user.name}</dd>
<dt>Logged in</dt><dd>${moment(page.session.createdAt)}</dd>
<dt>Last proven</dt><dd>${moment(page.session.authenticatedAt)}, by ${methodNames(page.session.amr)}</dd>
<dt>Ends</dt><dd>${moment(page.session.expiresAt)} at the latest</dd>
<dt>Kind</dt><dd>${page.session.class === 'remember' ? 'kept on this device' : 'until you close the browser'}</dd>
</dl></section>
${page.phone && authenticator(page.user)}
</div>
<section class="card"><h2>Where you are logged in</h2>
<div class="scroll"><table class="rows sessions"><thead><tr><th>Browser</th><th>Place at login</th><th>Since</th><th><span class="visually-hidden">End</span></th></tr></thead><tbody>
${page.sessions.map(
  (
    one,
  ) => html`<tr><td>${deviceName(one.origin.device)}${one.id === page.session.id && html` <span class="tag good">this one</span>`}</td>
<td>${placeName(one.origin.network)}</td><td>${moment(one.createdAt)}</td>
<td class="number">${
    one.id !== page.session.id &&
    html`<form method="post" action="/account/end">${formTokenField(visitor)}<input type="hidden" name="session" value="${one.id}"><button class="danger small">End</button></form>`
  }</td></tr>`,
)}
</tbody></table></div>
<form method="post" action="/account/end-others">${formTokenField(visitor)}<button class="danger">Log out everywhere else</button></form>
</section>
</div>`
}

function authenticator(user: User): Html {
  return html`<section class="card"><h2>Your authenticator</h2>
<p>Add this to an app of your own if you like; the demo phone shows the same codes.</p>
<dl class="facts"><dt>Account</dt><dd>Kelp &amp; Keel (${user.id})</dd><dt>Key</dt><dd><code>${user.totp.secret}</code></dd></dl>
<p class="small-print">Demonstration data. A real shop shows the key once, when it is made.</p></section>`
}
