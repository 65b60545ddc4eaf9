import { ownPath } from 'holdfast/next'
import { stepUp } from '@/actions'

export default async function StepUp({ searchParams }: { searchParams: Promise<Query> }) {
  const { return: back, again } = await searchParams
  return (
    <form action={stepUp}>
      <p>{again === undefined ? 'Is it you?' : 'The code is wrong.'}</p>
      <input type="hidden" name="return" value={ownPath(back)} />
      <label>
        Code <input name="code" />
      </label>
      <button type="submit">Go on</button>
    </form>
  )
}

interface Query {
  readonly return?: string
  readonly again?: string
}
