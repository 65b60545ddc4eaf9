import { attachTo, keepFacts } from 'holdfast/browser'

keepFacts()
for (const form of document.forms) attachTo(form)
