/** The travel menu closes as a menu does: by Escape, and by a click elsewhere. */
const menu = document.querySelector('details.place')

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || !menu?.open) return
  menu.open = false
  menu.querySelector('summary').focus()
})

document.addEventListener('click', (event) => {
  if (menu?.open && !menu.contains(event.target)) menu.open = false
})
