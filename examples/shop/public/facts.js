import { showCount } from './basket-store.js'
import { keepFacts } from './holdfast/index.js'

keepFacts()
showCount()
