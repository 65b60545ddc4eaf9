import { SessionError } from '../core/errors.ts'

/**
 * Where paths of the service begin. Throws `config_invalid` for an address or a key that can never
 * work.
 */
export function serviceAddress({
  url,
  key,
}: {
  readonly url: string
  readonly key: string
}): string {
  if (!/^[\x21-\x7e]{1,512}$/.test(key)) {
    throw new SessionError('config_invalid', 'The API key must be printable ASCII without spaces.')
  }
  return baseOf(url)
}

function baseOf(url: string): string {
  if (URL.canParse(url)) {
    const { protocol, username, password, search, hash, origin, pathname } = new URL(url)
    const plain = username === '' && password === '' && search === '' && hash === ''
    if ((protocol === 'http:' || protocol === 'https:') && plain) {
      return `${origin}${pathname.replace(/\/+$/, '')}`
    }
  }
  throw new SessionError(
    'config_invalid',
    'The address of the service must be an http or https URL ' +
      'without credentials, query or fragment.',
  )
}
