import { type Html, html } from './html.ts'

/** The shop front; `shop.js` fetches the goods from the catalogue service. */
export function shopPage(name: string): Html {
  return html`<div class="hero">
<div><p class="eyebrow">Things for the coast</p><h1>Good day, ${name.split(' ')[0]}.</h1>
<p class="lead">Eight things that outlast the weather, and one service that gets its session checked
like every other.</p></div>
</div>
<ul class="products" data-products aria-busy="true"></ul>
<noscript><p class="notice">The goods come from the catalogue service through a
script.</p></noscript>`
}

/** One product; `product.js` fills it. */
export function productPage(id: string): Html {
  return html`<p><a href="/">← All goods</a></p>
<article class="one-product" data-product="${id}" aria-busy="true"></article>`
}

/** `basket.js` fills it and places the order. */
export function basketPage(): Html {
  return html`<h1>Your basket</h1>
<div class="card" data-basket aria-busy="true"></div>
<p class="small-print">Placing an order matters more than looking: from a place where you have not
shown yet that it is you, the shop asks for a code.</p>`
}

/** `orders.js` fills it from the orders service. */
export function ordersPage(): Html {
  return html`<h1>Your orders</h1>
<div class="stack" data-orders aria-busy="true"></div>`
}
