import { logOut, order } from '@/actions'
import { askBackend } from '@/backend'
import { hf } from '@/holdfast'

export default async function Account({ searchParams }: { searchParams: Promise<Query> }) {
  const { subject, formToken } = await hf.sessionOf({ returnTo: '/account' })
  const { ordered } = await searchParams
  const { user } = await (await askBackend('/account')).json()
  return (
    <main>
      <p>Hello {subject}.</p>
      <p>The backend answers {user}.</p>
      {ordered === undefined ? null : <p>Ordered by {ordered}.</p>}
      <form action={order}>
        <input type="hidden" name="_form" value={formToken} />
        <button type="submit">Order</button>
      </form>
      <form action={logOut}>
        <button type="submit">Log out</button>
      </form>
    </main>
  )
}

interface Query {
  readonly ordered?: string
}
