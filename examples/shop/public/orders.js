import { api, fill } from './api.js'
import { element, price } from './dom.js'

const place = document.querySelector('[data-orders]')
await fill(place, async () => {
  const { orders } = await api('/api/orders')
  if (orders.length > 0) return orders.map(card)
  return [
    element('p', {}, 'None yet.'),
    element('p', {}, element('a', { class: 'button', href: '/' }, 'To the shop')),
  ]
})

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
