import { api } from './api.js'
import { addToBasket } from './basket-store.js'
import { element, price } from './dom.js'

const place = document.querySelector('[data-product]')
const product = await api(`/api/catalogue/products/${encodeURIComponent(place.dataset.product)}`)
document.title = `${product.name} · Kelp & Keel`
const note = element('p', { role: 'status', class: 'muted' })
place.replaceChildren(
  element('img', { src: product.picture, alt: product.name, width: '640', height: '480' }),
  element(
    'div',
    {},
    element('p', { class: 'eyebrow' }, product.line),
    element('h1', {}, product.name),
    element('p', { class: 'lead' }, product.about),
    element('p', { class: 'price' }, price(product.cents)),
    element('button', { click: add }, 'Add to the basket'),
    note,
  ),
)
place.removeAttribute('aria-busy')

function add() {
  addToBasket(product.id)
  note.replaceChildren('In the basket. ', element('a', { href: '/basket' }, 'See the basket'))
}
