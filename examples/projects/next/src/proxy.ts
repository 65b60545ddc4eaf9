import { type NextRequest, NextResponse } from 'next/server'
import { hf } from '@/holdfast'

const guarded = hf.requireSession()(() => NextResponse.next())

/** Guards pages and rotates secrets: a page itself can set no cookie. Actions guard themselves. */
export default async function proxy(request: NextRequest): Promise<Response> {
  if (request.method !== 'GET') return NextResponse.next()
  const answer = await guarded(request)
  const location = answer.headers.get('location')
  // A proxy of Next may redirect to whole addresses alone.
  if (location !== null) answer.headers.set('location', new URL(location, request.url).href)
  return answer
}

// What `<Link>` fetches before anybody looks at it is no activity.
export const config = {
  matcher: [
    { source: '/account/:path*', missing: [{ type: 'header', key: 'next-router-prefetch' }] },
  ],
}
