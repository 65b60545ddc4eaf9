import { api } from './api.js'
import { emptyBasket, readBasket, setCount } from './basket-store.js'
import { element, price } from './dom.js'

const place = document.querySelector('[data-basket]')
const { products } = await api('/api/catalogue/products')
show()

function show() {
  const basket = readBasket()
  const lines = products.filter(({ id }) => basket[id] > 0)
  if (lines.length === 0) {
    place.replaceChildren(
      element('p', {}, 'Nothing in it yet.'),
      element('a', { class: 'button', href: '/' }, 'To the shop'),
    )
    return
  }
  const total = lines.reduce((sum, { id, cents }) => sum + cents * basket[id], 0)
  place.replaceChildren(
    table(lines, basket, total),
    element('div', { class: 'actions' }, element('button', { click: order }, 'Place the order')),
  )
}

function table(lines, basket, total) {
  return element(
    'div',
    { class: 'scroll' },
    element(
      'table',
      { class: 'rows' },
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
    show()
  }
  return element(
    'span',
    { class: 'actions' },
    element(
      'button',
      { class: 'quiet small', 'aria-label': `One ${name} less`, click: change(-1) },
      '−',
    ),
    String(count),
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
