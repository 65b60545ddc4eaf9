import { clock, element } from './dom.js'
import { gauge, reasonList } from './evidence.js'

const OWNER_EVERY_MS = 4000
const KEEP_LINES = 8

const form = document.querySelector('[data-thief]')
const answer = document.querySelector('[data-answer]')
const note = document.querySelector('[data-copy-note]')
const ownerLog = document.querySelector('[data-owner-log]')
const ownerLive = document.querySelector('[data-owner-live]')

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  if ('copied' in form.dataset || (await copy())) await replay()
})
form.querySelector('[data-copy]').addEventListener('click', copy)

if ('loggedIn' in form.dataset) {
  await ownerAsks()
  setInterval(ownerAsks, OWNER_EVERY_MS)
}

/** True when he has a copy. */
async function copy() {
  const response = await fetch('/thief/copy', { method: 'POST' })
  if (!response.ok) {
    const { code } = await response.json().catch(() => ({})) // not JSON: the status says enough
    note.replaceChildren('There was no cookie to copy. ', ...ownerWords(response, { code }))
    return false
  }
  form.dataset.copied = ''
  note.textContent = `Copied at ${clock(Date.now())}. From now on he keeps what the shop sends him.`
  return true
}

async function replay() {
  const button = form.querySelector('button')
  button.disabled = true
  try {
    const response = await fetch('/thief/replay', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(Object.fromEntries(new FormData(form))),
    })
    if (!response.ok) throw new Error(`The shop answered ${response.status}.`)
    show(await response.json())
    bringIntoView(answer)
  } catch (error) {
    answer.replaceChildren(element('p', { class: 'notice bad' }, error.message))
  } finally {
    button.disabled = false
  }
}

/** On a small screen the answer is below what was pressed. */
function bringIntoView(part) {
  const { top } = part.getBoundingClientRect()
  if (top < 0 || top > innerHeight / 2) part.scrollIntoView({ block: 'start' })
}

function show({ request, status, code, verdict, decision, from }) {
  const fine = status < 400
  answer.replaceChildren(
    element('h3', {}, 'He sent'),
    element('pre', {}, request),
    element('h3', {}, 'The shop answered'),
    element(
      'p',
      { class: 'actions' },
      element('span', { class: 'status', 'data-status': String(status) }, String(status)),
      code === null ? null : element('code', { 'data-code': code }, code),
      element(
        'span',
        { class: `tag ${fine ? 'warn' : 'good'}` },
        fine ? 'He gets in' : 'He is stopped',
      ),
    ),
    element('p', {}, verdict),
    ...(decision === null
      ? []
      : [
          element('h3', {}, 'Why'),
          from === null ? null : element('p', { class: 'small-print' }, `Seen: ${from}`),
          gauge(decision.score),
          reasonList(decision.because, decision.note),
        ].filter((part) => part !== null)),
  )
}

async function ownerAsks() {
  const response = await fetch('/api/catalogue/products', {
    headers: { accept: 'application/json' },
  })
  const problem = response.ok ? undefined : await response.json().catch(() => ({}))
  const said = response.ok ? 'goods on the table' : (problem.code ?? 'refused')
  ownerLive.className = `live ${response.ok ? 'on' : 'off'}`
  ownerLive.replaceChildren(...ownerWords(response, problem))
  ownerLog.prepend(
    element(
      'li',
      {},
      element('time', {}, clock(Date.now())),
      element('span', { class: 'muted' }, said),
      element('span', { class: `tag ${response.ok ? 'good' : 'bad'}` }, String(response.status)),
    ),
  )
  while (ownerLog.children.length > KEEP_LINES) ownerLog.lastElementChild.remove()
}

function ownerWords(response, problem) {
  if (response.ok) return ['You work on, undisturbed']
  if (problem?.code === 'step_up_required') {
    return [
      element('span', {}, 'You are asked to prove yourself: '),
      element('a', { href: '/step-up?return=/thief' }, 'show the second factor'),
    ]
  }
  return [
    element('span', {}, 'Your session is over: '),
    element('a', { href: '/login?return=/thief' }, 'log in'),
  ]
}
