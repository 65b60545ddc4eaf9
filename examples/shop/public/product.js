import { api, fill } from './api.js'
import { addToBasket } from './basket-store.js'
import { element, price } from './dom.js'

const place = document.querySelector('[data-product]')
await fill(place, async () => {
  const product = await api(`/api/catalogue/products/${encodeURIComponent(place.dataset.product)}`)
  document.title = `${product.name} · Kelp & Keel`
  return draw(product)
})

function draw({ id, name, picture, line, about, cents }) {
  const note = element('p', { role: 'status', class: 'muted' })
  function add() {
    addToBasket(id)
    note.replaceChildren('In the basket. ', element('a', { href: '/basket' }, 'See the basket'))
  }
  return [
    element('img', { src: picture, alt: name, width: '640', height: '480' }),
    element(
      'div',
      {},
      element('p', { class: 'eyebrow' }, line),
      element('h1', {}, name),
      element('p', { class: 'lead' }, about),
      element('p', { class: 'price' }, price(cents)),
      element('button', { click: add }, 'Add to the basket'),
      note,
    ),
  ]
}
