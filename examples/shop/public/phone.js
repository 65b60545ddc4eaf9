const phone = document.querySelector('[data-phone]')
const output = phone.querySelector('output')
const progress = phone.querySelector('progress')
const note = phone.querySelector('[data-phone-note]')

await tick()
setInterval(tick, 1000)

async function tick() {
  const response = await fetch('/demo/phone', { headers: { accept: 'application/json' } })
  if (!response.ok) {
    note.textContent = 'The phone is off.'
    return
  }
  const { code, secondsLeft, used } = await response.json()
  output.textContent = `${code.slice(0, 3)} ${code.slice(3)}`
  progress.value = secondsLeft
  note.textContent = used
    ? `Used. The next one comes in ${secondsLeft} s.`
    : 'Each code works once.'
}
