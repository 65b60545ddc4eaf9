import { api, fill } from './api.js'
import { emptyBasket, readBasket, setCount } from './basket-store.js'
import { element, price } from './dom.js'

const place = document.querySelector('[data-basket]')
let products = []
await fill(place, async () => {
  products = (await api('/api/catalogue/products')).products
  return contents()
})

function contents() {
  const basket = readBasket()
  const lines = products.filter(({ id }) => basket[id] > 0)
  if (lines.length === 0) {
    return [
      element('p', {}, 'Nothing in it yet.'),
      element('p', {}, element('a', { class: 'button', href: '/' }, 'To the shop')),
    ]
  }
  const total = lines.reduce((sum, { id, cents }) => sum + cents * basket[id], 0)
  return [
    table(lines, basket, total),
    element('div', { class: 'actions' }, element('button', { click: order }, 'Place the order')),
  ]
}

function table(lines, basket, total) {
  return element(
    'div',
    { class: 'scroll' },
    element(
      'table',
      { class: 'rows basket' },
      element('tbody', {}, ...lines.map((line) => row(line, basket[line.id]))),
      element(
        'tfoot',
        {},
        element(
          'tr',
          {},
          element('td', { colspan: '3' }, 'Total'),
          element('td', { class: 'number' }, price(total)),
        ),
      ),
    ),
  )
}

function row({ id, name, picture, cents }, count) {
  return element(
    'tr',
    {},
    element('td', {}, element('img', { src: picture, alt: '', width: '64', height: '48' })),
    element('td', {}, name),
    element('td', {}, stepper(id, name, count)),
    element('td', { class: 'number' }, price(cents * count)),
  )
}

function stepper(id, name, count) {
  const change = (by) => () => {
    setCount(id, count + by)
    place.replaceChildren(...contents())
  }
  return element(
    'span',
    { class: 'stepper' },
    element(
      'button',
      { class: 'quiet small', 'aria-label': `One ${name} less`, click: change(-1) },
      '−',
    ),
    element('span', {}, String(count)),
    element(
      'button',
      { class: 'quiet small', 'aria-label': `One ${name} more`, click: change(1) },
      '+',
    ),
  )
}

async function order(event) {
  event.target.disabled = true
  const items = Object.entries(readBasket()).map(([product, count]) => ({ product, count }))
  try {
    await api('/api/orders', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ items }),
    })
    emptyBasket()
    location.assign('/orders')
  } catch (error) {
    event.target.disabled = false
    place.prepend(element('p', { class: 'notice bad', role: 'alert' }, error.message))
  }
}
