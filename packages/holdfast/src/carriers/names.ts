/**
 * The session cookie, unless the application names another. Browsers bind `__Host-` to its host.
 */
export const SESSION_COOKIE = '__Host-session'

/** The refresh cookie. It is confined to {@link REFRESH_PATH}, which a `__Host-` name cannot be. */
export const REFRESH_COOKIE = '__Secure-refresh'

/** Where applications answer refreshes. `pageAccess()` of `holdfast/browser` asks the same path. */
export const REFRESH_PATH = '/refresh'

/** The readable cookie and the form field of a page's client facts: `FACTS_NAME` of the browser. */
export const CLIENT_FACTS_NAME = 'hf-client'

/** The field in which a form sends the session's form token. */
export const FORM_TOKEN_FIELD = '_form'

/** The header in which a script sends the session's form token. */
export const FORM_TOKEN_HEADER = 'x-form-token'

/** The header in which an application's own renderer says for whom it asks, sealed. */
export const ON_BEHALF_HEADER = 'holdfast-on-behalf'
