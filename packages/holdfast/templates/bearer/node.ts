import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { readJson } from './body.js'
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
  const [path] = (request.url ?? '/').split('?', 1)

  switch (`${request.method} ${path}`) {
    case 'POST /login': {
      const user = checkLogin(await readJson(request))
      if (user === undefined) return json(response, 401, { problem: 'Name or password is wrong.' })
      const done = await login(request, response, { subject: user, amr: ['pwd'] })
      if (!done.ok) return refuse(response, done)
      return json(response, 200, { token: done.token })
    }

    // Guarded: without `Authorization: Bearer <token>` the answer is 401, and already given.
    case 'GET /': {
      const session = await guarded(request, response)
      if (session === undefined) return
      return json(response, 200, { user: session.subject })
    }

    // Sensitive: it asks more of the place that the request comes from. A copied token is not
    // enough.
    case 'POST /orders': {
      const session = await sensitive(request, response)
      if (session === undefined) return
      const item = fieldOf(await readJson(request), 'item')
      return json(response, 201, { buyer: session.subject, item })
    }

    case 'POST /logout': {
      const done = await logout(request, response)
      if (!done.ok) return refuse(response, done)
      response.writeHead(204).end()
      return
    }

    default:
      response.writeHead(404).end()
  }
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
