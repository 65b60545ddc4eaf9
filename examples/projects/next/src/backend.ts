import { headers } from 'next/headers'
import { hf } from '@/holdfast'

/** Asks a backend of this application for the person whose page is rendered. */
export async function askBackend(path: string): Promise<Response> {
  const cookie = (await headers()).get('cookie') ?? ''
  return fetch(`http://127.0.0.1:${process.env.PORT ?? 3000}/api${path}`, {
    headers: { cookie, ...(await hf.forwardedFacts()) },
    cache: 'no-store',
  })
}
