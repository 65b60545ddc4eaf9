/** What this library uses of Next. Its types cannot be installed for a file of some lines. */
declare module 'next/headers.js' {
  export function headers(): Promise<Pick<Headers, 'get' | 'has'>>
  export function cookies(): Promise<import('./next-api.ts').CookieJar>
}

declare module 'next/navigation.js' {
  export function redirect(path: string): never
}

declare module 'next/server.js' {
  export const NextResponse: { next(): Response }
}
