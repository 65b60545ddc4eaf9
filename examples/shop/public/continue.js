import { continueForm } from './holdfast/index.js'

continueForm()
