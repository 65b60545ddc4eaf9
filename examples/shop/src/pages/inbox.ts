import type { User } from '../users/directory.ts'
import { type Html, html } from './html.ts'

/** `inbox.js` fills it from a live stream. */
export function inboxPage(page: {
  readonly customer: Pick<User, 'id' | 'name'>
  /** Holdfast was told to post here. */
  readonly connected: boolean
}): Html {
  const { customer, connected } = page
  const [firstName] = customer.name.split(' ')
  return html`<div class="hero"><div><p class="eyebrow">Who hears of it</p><h1>Inbox</h1>
<p class="lead">A stolen cookie is two messages within a second: an alert for those who look after
security, and a mail to the customer, who can end the session by a link. Let the
<a href="/thief">thief</a> show his copy, and look here.</p></div>
<span class="live" data-live role="status">Connecting</span></div>
${
  !connected &&
  html`<p class="notice warn" data-unconnected>The service does not know of this page:
<code>npm start</code> sets <code>SHOP_WEBHOOK_SECRET</code>, and tells it.</p>`
}
<div class="split" data-inbox="${customer.id}">
<section aria-labelledby="team-title"><h2 id="team-title">The security team</h2>
<p class="small-print">By a webhook, as it would go to a chat or a pager.</p>
<ol class="messages" data-alerts reversed aria-live="polite"></ol></section>
<section aria-labelledby="mail-title"><h2 id="mail-title">${firstName}'s mail</h2>
<p class="small-print">Caught here: a real shop sends it. Each link asks before it does
anything.</p>
<ol class="messages" data-mails reversed aria-live="polite"></ol></section>
</div>`
}
