const codes = [...document.querySelectorAll('[data-codes] li')].map((item) => item.textContent)
const note = document.querySelector('[data-codes-note]')

document.querySelector('[data-codes-actions]').hidden = false
document.querySelector('[data-copy-codes]').addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText(codes.join('\n'))
    note.textContent = 'Copied. Paste them where only you can read them.'
  } catch {
    note.textContent = 'This browser does not let the page copy. Download them, or write them down.'
  }
})

// No address of this shop has the codes: the file is made here, from what the page shows.
const file = new Blob([`Kelp & Keel, recovery codes\n\n${codes.join('\n')}\n`])
document.querySelector('[data-download-codes]').href = URL.createObjectURL(file)
