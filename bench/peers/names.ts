/** Rows that goals are about. */
export const EXPRESS_REDIS = 'express-session + connect-redis'
export const EXPRESS_MEMORY = 'express-session + MemoryStore'
export const AUTH_REDIS = 'better-auth + Redis'
export const AUTH_SQLITE = 'better-auth + SQLite'
export const JOSE_HS256 = 'jose HS256'
export const JOSE_EDDSA = 'jose EdDSA'

/** Part of both rows of express-session. */
export const EXCHANGE = 'request and response without a session'
