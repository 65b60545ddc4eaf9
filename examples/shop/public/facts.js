import { showCount } from './basket-store.js'

showCount()
