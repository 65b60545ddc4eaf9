/** Rows that goals are about. */
export const EXPRESS_REDIS = 'express-session + connect-redis'
export const EXPRESS_MEMORY = 'express-session + MemoryStore'
export const AUTH_REDIS = 'better-auth + Redis'
export const AUTH_SQLITE = 'better-auth + SQLite'
export const JOSE_HS256 = 'jose HS256'
export const JOSE_EDDSA = 'jose EdDSA'

/** Part of both rows of express-session. */
export const EXCHANGE = 'request and response without a session'

export const FAST_JWT = 'fast-jwt HS256'
export const SECURE_SESSION = '@fastify/secure-session'
export const IRON_SESSION = 'iron-session'
export const AUTH_COOKIE = 'better-auth cookieCache'
export const JOSE_PAIR = 'jose EdDSA, a pair of tokens'
export const AUTH_UPDATE = 'better-auth updateSession on Redis'
