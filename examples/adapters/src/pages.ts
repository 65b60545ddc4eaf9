import { DEMO } from './users.ts'

/** The form has no `action`: it posts to the address that it stands at, `?return=` included. */
export function loginPage(problem = ''): string {
  return page(`<p>${escaped(problem)}</p>
    <form method="post">
      <label>Name <input name="name" value="${DEMO.name}"></label>
      <label>Password <input name="password" type="password"></label>
      <button>Log in</button>
    </form>
    <p>The password is <code>${DEMO.password}</code>.</p>`)
}

/** What the page of somebody who is logged in shows. */
export interface Home {
  readonly user: string
  readonly note: string
  /** `session.formToken`: proves that a form comes from a page of this very session. */
  readonly formToken: string
}

/** Each form that changes something carries the form token in the field `_form`. */
export function homePage({ user, note, formToken }: Home): string {
  return page(`<p>Hello ${escaped(user)}. Your note: <q>${escaped(note)}</q></p>
    <form method="post" action="/note">
      <input type="hidden" name="_form" value="${escaped(formToken)}">
      <label>Note <input name="note"></label>
      <button>Keep it</button>
    </form>
    <p><a href="/api-key">Show my API key</a> (a sensitive route)</p>
    <form method="post" action="/logout"><button>Log out</button></form>`)
}

function page(body: string): string {
  return `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>Holdfast</title></head>
  <body>
    ${body}
  </body>
</html>
`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => ESCAPES[letter] ?? letter)
}
