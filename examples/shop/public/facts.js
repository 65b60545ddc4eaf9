import { showCount } from './basket-store.js'
import { keepFacts } from './holdfast/index.js'

const SEEN = 'facts of the page before'

const judged = sessionStorage.getItem(SEEN) ?? document.cookie
keepFacts()
sessionStorage.setItem(SEEN, document.cookie)
showCount()

// The page is asked before the person: with facts that have changed since, the request is judged
// once more.
const asking = document.querySelector('[data-onward]')
if (asking !== null && document.cookie !== judged) location.replace(asking.dataset.onward)
