import { continueForm } from './holdfast/step-up-page.js'

continueForm()
