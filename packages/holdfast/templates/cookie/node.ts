import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { ownPath } from 'holdfast/node'
import { readForm } from './body.js'
import { homePage, loginPage } from './pages.js'
import { login, logout, refuse, requireSession } from './sessions.js'
import { checkLogin, fieldOf } from './users.js'

const guarded = requireSession()
const sensitive = requireSession({ sensitivity: 'sensitive' })

export const app = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error)
    if (response.headersSent) response.destroy()
    else response.writeHead(500).end()
  })
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path, query] = (request.url ?? '/').split('?', 2)
  // Node parses no bodies: the form is read before the guards look for its token.
  const form = await readForm(request)

  switch (`${request.method} ${path}`) {
    case 'GET /login':
      return html(response, 200, loginPage())

    case 'POST /login': {
      const user = checkLogin(form)
      if (user === undefined) return html(response, 401, loginPage('Name or password is wrong.'))
      const done = await login(request, response, { subject: user, amr: ['pwd'] })
      if (!done.ok) return refuse(response, done)
      return redirect(response, ownPath(new URLSearchParams(query).get('return')))
    }

    // Guarded: a browser without a session is sent to the login page, a program gets 401. Then the
    // answer is already given.
    case 'GET /': {
      const session = await guarded(request, response)
      if (session === undefined) return
      return html(response, 200, homePage(session.subject, session.formToken))
    }

    // Sensitive: it asks more of the place that the request comes from. A copied cookie is not
    // enough.
    case 'POST /orders': {
      const session = await sensitive(request, response)
      if (session === undefined) return
      response.writeHead(201, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ buyer: session.subject, item: fieldOf(form, 'item') }))
      return
    }

    case 'POST /logout': {
      const done = await logout(request, response)
      if (!done.ok) return refuse(response, done)
      return redirect(response, '/login')
    }

    default:
      response.writeHead(404).end()
  }
}

function html(response: ServerResponse, status: number, page: string): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(page)
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { location }).end()
}
