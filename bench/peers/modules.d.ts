/**
 * The parts of the peers that are measured. They are installed only for the bench, so their own
 * types may be absent.
 */

declare module 'connect-redis' {
  export const RedisStore: new (options: { readonly client: object }) => object
}

declare module 'better-auth' {
  interface SecondaryStorage {
    get(key: string): Promise<string | null>
    set(key: string, value: string, ttl?: number): Promise<unknown>
    delete(key: string): Promise<unknown>
  }
  interface AuthOptions {
    readonly baseURL: string
    readonly secret: string
    readonly database?: object
    readonly secondaryStorage?: SecondaryStorage
    readonly session: {
      readonly additionalFields: Readonly<
        Record<string, { readonly type: 'string'; readonly required: boolean }>
      >
      readonly cookieCache?: { readonly enabled: boolean; readonly maxAge: number }
    }
    readonly logger: { readonly disabled: boolean }
    readonly telemetry: { readonly enabled: boolean }
  }
  interface Auth {
    readonly api: {
      getSession(asked: {
        readonly headers: Headers
      }): Promise<{ readonly user: { readonly id: string } } | null>
      getSession(asked: {
        readonly headers: Headers
        readonly returnHeaders: true
      }): Promise<{ readonly headers: Headers }>
      updateSession(asked: { readonly headers: Headers; readonly body: object }): Promise<object>
      listSessions(asked: { readonly headers: Headers }): Promise<readonly object[]>
      revokeSessions(asked: { readonly headers: Headers }): Promise<{ readonly status: boolean }>
    }
    readonly $context: Promise<{
      readonly secret: string
      readonly authCookies: { readonly sessionToken: { readonly name: string } }
      readonly internalAdapter: {
        createUser(user: object): Promise<{ readonly id: string }>
        createSession(
          user: string,
          dontRemember: boolean,
          facts: object,
        ): Promise<{ readonly token: string }>
      }
    }>
  }
  export function betterAuth(options: AuthOptions): Auth
  export type { Auth, AuthOptions, SecondaryStorage }
}

declare module 'better-auth/db/migration' {
  import type { AuthOptions } from 'better-auth'
  export function getMigrations(options: AuthOptions): Promise<{ runMigrations(): Promise<void> }>
}

declare module 'better-auth/crypto' {
  export function makeSignature(value: string, secret: string): Promise<string>
}

declare module 'better-sqlite3' {
  const Database: new (path: string) => { pragma(text: string): unknown }
  export default Database
}

declare module 'fast-jwt' {
  type Algorithm = 'HS256' | 'EdDSA'
  export function createSigner(options: {
    readonly key: string
    readonly algorithm: Algorithm
    readonly expiresIn: number
  }): (claims: object) => string
  export function createVerifier(options: {
    readonly key: string
    readonly algorithms: readonly Algorithm[]
    readonly cache: boolean
  }): (token: string) => { readonly sub?: string }
}

declare module 'iron-session' {
  interface Sealing {
    readonly password: string
    readonly ttl: number
  }
  export function sealData(data: object, sealing: Sealing): Promise<string>
  export function unsealData(text: string, sealing: Sealing): Promise<{ readonly userId?: string }>
}

declare module '@fastify/secure-session' {
  interface SecureSession {
    get(name: string): unknown
  }
  /** What the plugin hangs on an instance of Fastify. */
  export interface Decorated {
    createSecureSession(data: object): SecureSession
    encodeSecureSession(session: SecureSession): string
    decodeSecureSession(cookie: string): SecureSession | null
  }
  const plugin: (instance: never, options: never) => Promise<void>
  export default plugin
}
