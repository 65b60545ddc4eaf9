import { HOMES, type Place } from '../demo/places.ts'
import { type Html, html } from './html.ts'

/** What every page knows of the person who looks at it. */
export interface Visitor {
  readonly name: string
  /** Goes into every form: binds it to this session. */
  readonly formToken: string
}

/** What stands around every page. */
export interface Frame {
  readonly visitor?: Visitor | undefined
  /** Where the simulated edge says that this visitor is; undefined when it was not passed. */
  readonly place: Place | undefined
  /**
   * The browser carries a session that has not passed: nobody is greeted, but it can be logged out.
   */
  readonly carriesSession?: boolean
}

export interface Page extends Frame {
  readonly title: string
  /** Path of the page, for the menu and for coming back. */
  readonly path: string
  /** Module names under /static/. */
  readonly scripts?: readonly string[]
  readonly body: Html
}

const MENU = [
  { path: '/', label: 'Shop' },
  { path: '/basket', label: 'Basket' },
  { path: '/orders', label: 'Orders' },
  { path: '/account', label: 'Account' },
  { path: '/sees', label: 'What Holdfast sees', lens: true },
  { path: '/thief', label: 'Thief', lens: true },
  { path: '/inbox', label: 'Inbox', lens: true },
]

/**
 * The whole document. No inline script, no inline style: the content security policy allows none.
 */
export function document(page: Page): string {
  const scripts = ['facts.js', 'place-menu.js', ...(page.scripts ?? [])]
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${page.title} · Kelp &amp; Keel</title>
<link rel="icon" href="/static/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/shop.css">
${scripts.map((name) => html`<script type="module" src="/static/${name}"></script>`)}
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
${bar(page)}
<main id="main" class="wrap">
${page.body}
</main>
<footer class="site"><div class="wrap">
<p>Kelp &amp; Keel is an example. It sells nothing, and its visitors are wherever they say they
are.</p>
<p><a href="https://db-ip.com">IP Geolocation by DB-IP</a>, CC BY 4.0</p>
</div></footer>
</body>
</html>
`.markup
}

/** A hidden field that every form with an effect carries. */
export function formTokenField(visitor: Visitor): Html {
  return html`<input type="hidden" name="_form" value="${visitor.formToken}">`
}

function bar({ visitor, path, place, carriesSession }: Page): Html {
  return html`<header class="bar"><div class="wrap">
<a class="brand" href="/"><img src="/static/mark.svg" alt="" width="30" height="30">Kelp &amp;
Keel</a>
${visitor && html`<nav aria-label="Main">${menu(path)}</nav>`}
<div class="bar-end">
${place && placePicker(place, path)}
${visitor && html`<span class="who muted">${visitor.name}</span>`}
${(visitor ?? carriesSession) && logout(visitor)}
</div>
</div></header>`
}

function logout(visitor: Visitor | undefined): Html {
  return html`<form method="post" action="/logout">${visitor && formTokenField(visitor)}<button
class="quiet small">Log out</button></form>`
}

function menu(path: string): Html {
  return html`${MENU.map(
    (item) =>
      html`<a href="${item.path}"${
        item.path === path && html` aria-current="page"`
      }${item.lens && html` class="lens"`}>${item.label}${
        item.path === '/basket' && html` <span class="count" data-basket-count></span>`
      }</a>`,
  )}`
}

function placePicker(place: Place, path: string): Html {
  return html`<details class="place">
<summary><span><span class="lead-in">You are in </span>${place.city}</span></summary>
<form class="card" method="post" action="/edge/place">
<fieldset><legend>Travel to</legend>
${HOMES.map(
  ({ here }) =>
    html`<label class="choice"><input type="radio" name="place" value="${here.id}"${
      here.id === place.id && html` checked`
    }><span>${here.city}<small>${here.network}, ${here.country}</small></span></label>`,
)}
</fieldset>
<label class="choice"><input type="checkbox" name="clock" value="follow" checked><span>My clock
comes along<small>The device shows local time, as a phone does.</small></span></label>
<input type="hidden" name="next" value="${path}">
<button class="wide">Go there</button>
<p class="small-print">Loopback has no geography: a simulated edge gives your requests an address in
the city that you choose. Without your clock, each run asks once. With it, a city where you have
proven yourself before, also in an earlier run, may ask nothing: choose one that is new to you.</p>
</form>
</details>`
}
