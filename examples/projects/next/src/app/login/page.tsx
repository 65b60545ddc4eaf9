import { ownPath } from 'holdfast/next'
import { logIn } from '@/actions'

export default async function Login({ searchParams }: { searchParams: Promise<Query> }) {
  const { return: back, again } = await searchParams
  return (
    <form action={logIn}>
      {again === undefined ? null : <p>Name or password is wrong.</p>}
      <input type="hidden" name="return" value={ownPath(back)} />
      <label>
        Name <input name="name" />
      </label>
      <label>
        Password <input name="password" type="password" />
      </label>
      <button type="submit">Log in</button>
    </form>
  )
}

interface Query {
  readonly return?: string
  readonly again?: string
}
