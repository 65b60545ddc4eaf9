import { hf } from '@/holdfast'

/** Guards pages and rotates secrets: a page itself can set no cookie. */
export default hf.proxy()

// What `<Link>` fetches before anybody looks at it is no activity. The page guards itself, too.
export const config = {
  matcher: [
    { source: '/account/:path*', missing: [{ type: 'header', key: 'next-router-prefetch' }] },
  ],
}
