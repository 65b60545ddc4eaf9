/** It posts to its own address, with the `?return=` that says where to go on. */
export function loginPage(problem = ''): string {
  return page(`<p>${escaped(problem)}</p>
    <form method="post">
      <label>Name <input name="name" autocomplete="username"></label>
      <label>Password <input name="password" type="password"></label>
      <button>Log in</button>
    </form>`)
}

/** A form that changes something carries the session's form token in the field `_form`. */
export function homePage(user: string, formToken: string): string {
  return page(`<p>Hello ${escaped(user)}.</p>
    <form method="post" action="/orders">
      <input type="hidden" name="_form" value="${escaped(formToken)}">
      <label>Item <input name="item"></label>
      <button>Order</button>
    </form>
    <form method="post" action="/logout">
      <input type="hidden" name="_form" value="${escaped(formToken)}">
      <button>Log out</button>
    </form>`)
}

function page(body: string): string {
  return `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>Sessions</title></head>
  <body>
    ${body}
  </body>
</html>
`
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
