import { api, fill } from './api.js'
import { addToBasket } from './basket-store.js'
import { element, price } from './dom.js'

const list = document.querySelector('[data-products]')
await fill(list, async () => {
  const { products } = await api('/api/catalogue/products')
  return products.map(card)
})

function card(product) {
  const link = `/products/${product.id}`
  return element(
    'li',
    { class: 'card product' },
    element('img', { src: product.picture, alt: '', width: '320', height: '240' }),
    element(
      'div',
      { class: 'text' },
      element('h2', {}, element('a', { href: link }, product.name)),
      element('span', { class: 'muted' }, product.line),
      element(
        'div',
        { class: 'buy' },
        element('span', { class: 'price' }, price(product.cents)),
        buyButton(product),
      ),
    ),
  )
}

function buyButton(product) {
  const button = element(
    'button',
    { class: 'small', 'aria-label': `Add ${product.name} to the basket` },
    'Add',
  )
  button.addEventListener('click', () => {
    addToBasket(product.id)
    button.textContent = 'Added'
    setTimeout(() => {
      button.textContent = 'Add'
    }, 1200)
  })
  return button
}
