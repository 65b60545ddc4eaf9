import { type Html, html } from './html.ts'
import { formTokenField, type Visitor } from './layout.ts'

/** `sees.js` fills it from a live stream. */
export function seesPage(visitor: Visitor): Html {
  return html`<div class="stack">
<div class="hero"><div><p class="eyebrow">Behind the counter</p><h1>What Holdfast sees</h1>
<p class="lead">Every place and browser that this session is used from, what speaks against it in
points (ten more: a thief is ten times as likely), and every step in order. A page for operators,
here for your own session only.</p></div>
<span class="live" data-live role="status">Connecting</span></div>
<section aria-labelledby="session-title"><h2 id="session-title" class="visually-hidden">The
session</h2><div class="card"><dl class="facts" data-session></dl></div></section>
<section aria-labelledby="contexts-title"><h2 id="contexts-title">Used from</h2><ul class="contexts"
data-contexts></ul></section>
<section aria-labelledby="events-title"><h2 id="events-title">What happened</h2><ol class="timeline"
data-events reversed></ol></section>
<section class="card" aria-labelledby="again-title"><h2 id="again-title">Begin again</h2>
<p>Ends your sessions, empties the basket, takes his copy from the thief, and brings you home. What
Holdfast has learnt of your places stays; <code>npm start -- --fresh</code> begins without it.</p>
<form method="post" action="/demo/begin-again"
data-begin-again>${formTokenField(visitor)}<button class="danger">Begin again</button></form>
</section>
</div>`
}
