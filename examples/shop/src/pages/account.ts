import type { SessionDetail, SessionView } from 'holdfast'
import type { EnrolledFactors } from 'holdfast/step-up'
import type { Address } from '../users/addresses.ts'
import type { User } from '../users/directory.ts'
import { type Html, html } from './html.ts'
import { formTokenField, type Visitor } from './layout.ts'
import { deviceName, methodNames, moment, placeName } from './words.ts'

/** Who you are, how you are logged in, and where else. */
export function accountPage(page: {
  readonly user: User
  readonly session: SessionView
  readonly sessions: readonly SessionDetail[]
  readonly done?: string | undefined
  /** The demo phone lies beside this browser: only then is its key shown. */
  readonly phone: boolean
  readonly factors: EnrolledFactors
  readonly address: Address | undefined
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
<dt>Last proven</dt><dd>${moment(page.session.authenticatedAt)}, by ${methodNames(page.session.amr)}
</dd>
<dt>Ends</dt><dd>${moment(page.session.expiresAt)} at the latest</dd>
<dt>Kind</dt><dd>${
    page.session.class === 'remember' ? 'kept on this device' : 'until you close the browser'
  }</dd>
</dl></section>
${page.phone && authenticator(page.user)}
</div>
${addressForm(visitor, page.address)}
${factorsOf(visitor, page.factors)}
<section class="card"><h2>Where you are logged in</h2>
<div class="scroll"><table class="rows sessions"><thead><tr><th>Browser</th><th>Place at login</th>
<th>Since</th><th><span class="visually-hidden">End</span></th></tr></thead><tbody>
${page.sessions.map(
  (one) => html`<tr><td>${deviceName(one.origin.device)}${
    one.id === page.session.id && html` <span class="tag good">this one</span>`
  }</td>
<td>${placeName(one.origin.network)}</td><td>${moment(one.createdAt)}</td>
<td class="number">${
    one.id !== page.session.id &&
    html`<form method="post" action="/account/end">${formTokenField(visitor)}<input type="hidden"
name="session" value="${one.id}"><button class="danger small">End</button></form>`
  }</td></tr>`,
)}
</tbody></table></div>
<form method="post" action="/account/end-others">${formTokenField(visitor)}<button
class="danger">Log out everywhere else</button></form>
</section>
</div>`
}

function addressForm(visitor: Visitor, address: Address | undefined): Html {
  const { name = '', street = '', note = '' } = address ?? {}
  return html`<section class="card" data-address><h2>Where your parcels go</h2>
<form method="post" action="/account/address">${formTokenField(visitor)}
<div class="field"><label for="name">Name</label><input id="name" name="name" value="${name}"
maxlength="200" autocomplete="name" required></div>
<div class="field"><label for="street">Street and town</label><input id="street" name="street"
value="${street}" maxlength="200" required></div>
<div class="field"><label for="note">For whoever delivers</label><textarea id="note" name="note"
maxlength="200" rows="2">${note}</textarea></div>
<button>Keep this address</button></form></section>`
}

function factorsOf(visitor: Visitor, { passkeys, recovery }: EnrolledFactors): Html {
  return html`<section class="card" data-factors><h2>How you show that it is you</h2>
${
  passkeys.length > 0 &&
  html`<table class="rows"><tbody>${passkeys.map(
    ({ id, name, createdAt, cloned }) =>
      html`<tr><td>${name}${cloned && html` <span class="tag">copied: remove it</span>`}</td>
<td>since ${moment(createdAt)}</td>
<td class="number"><form method="post"
action="/account/passkeys/remove">${formTokenField(visitor)}<input type="hidden" name="id"
value="${id}"><button class="danger small">Remove</button></form></td></tr>`,
  )}</tbody></table>`
}
<form method="post" action="/account/passkeys" hidden
data-new-passkey>${formTokenField(visitor)}<input type="hidden" name="value">
<div class="field"><label for="passkey-name">Name of a new passkey</label><input id="passkey-name"
name="name" maxlength="64" placeholder="This laptop"></div>
<button>Add a passkey</button>
<p class="small-print" data-passkey-note>Fingerprint, face or PIN instead of a code; no other site
can ask for it.</p></form>
<form method="post" action="/account/recovery-codes">${formTokenField(visitor)}<button
class="quiet">Make new recovery codes</button>
<p class="small-print">${
    recovery === 0 ? 'You have none.' : `${recovery} of the last ten are left.`
  }</p></form>
</section>`
}

/** The only time that these codes are seen. */
export function recoveryCodesPage(codes: readonly string[]): Html {
  return html`<section class="card"><h1>Your recovery codes</h1>
<p>Each works once, when nothing else is at hand. Write them down: they are shown this once, and
older ones are void.</p>
<ul data-codes>${codes.map((code) => html`<li><code>${code}</code></li>`)}</ul>
<div class="actions" data-codes-actions hidden>
<button type="button" class="quiet" data-copy-codes>Copy</button>
<a class="button quiet" data-download-codes download="recovery-codes.txt">Download</a></div>
<p class="small-print" role="status" data-codes-note></p>
<p><a class="button" href="/account">I have them</a></p></section>`
}

function authenticator(user: User): Html {
  return html`<section class="card"><h2>Your authenticator</h2>
<p>Add this to an app of your own if you like; the demo phone shows the same codes.</p>
<dl class="facts"><dt>Account</dt><dd>Kelp &amp; Keel (${user.id})</dd><dt>Key</dt>
<dd><code>${user.totpSecret}</code></dd></dl>
<p class="small-print">Demonstration data. A real shop shows the key once, when it is made.</p>
</section>`
}
