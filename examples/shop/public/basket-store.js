const KEY = 'basket'
const MOST = 99

/** Product ids and how many of each, kept in this browser. */
export function readBasket() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? '{}')
    return typeof kept === 'object' && kept !== null ? kept : {}
  } catch {
    return {}
  }
}

export function setCount(id, count) {
  const basket = { ...readBasket(), [id]: Math.min(MOST, count) }
  if (count <= 0) delete basket[id]
  localStorage.setItem(KEY, JSON.stringify(basket))
  showCount()
}

export function addToBasket(id) {
  setCount(id, (readBasket()[id] ?? 0) + 1)
}

export function emptyBasket() {
  localStorage.removeItem(KEY)
  showCount()
}

export function showCount() {
  const total = Object.values(readBasket()).reduce((sum, count) => sum + count, 0)
  for (const badge of document.querySelectorAll('[data-basket-count]')) {
    badge.textContent = total === 0 ? '' : String(total)
  }
}
