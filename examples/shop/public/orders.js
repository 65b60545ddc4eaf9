import { api } from './api.js'
import { element, price } from './dom.js'

const place = document.querySelector('[data-orders]')
const { orders } = await api('/api/orders')
place.removeAttribute('aria-busy')
place.classList.add('stack')
if (orders.length === 0) {
  place.replaceChildren(
    element('p', {}, 'None yet.'),
    element('a', { class: 'button', href: '/' }, 'To the shop'),
  )
} else {
  place.replaceChildren(...orders.map(card))
}

function card({ id, at, lines, cents }) {
  return element(
    'article',
    { class: 'card' },
    element('h2', {}, `Order ${id}`),
    element('p', { class: 'muted' }, new Date(at).toLocaleString('en-GB')),
    element('ul', {}, ...lines.map(({ name, count }) => element('li', {}, `${count} × ${name}`))),
    element('p', { class: 'price' }, price(cents)),
  )
}
