import { parseClientAddress } from './address.ts'
import { addressSet, parseCidr } from './address-set.ts'

/** `localhost`, a name below it, or a loopback address; with or without a port. */
export function isLoopbackHost(host: string): boolean {
  return HOST.test(host)
}

const HOST =
  /^(?:localhost|(?:[\w-]{1,63}\.){1,8}localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i

/** The address of a socket that stays on this machine. */
export function isLoopbackAddress(text: string | null | undefined): boolean {
  const address = text == null ? undefined : parseClientAddress(text)
  return address !== undefined && ADDRESSES.has(address)
}

const ADDRESSES = addressSet(['127.0.0.0/8', '::1/128'].flatMap((text) => parseCidr(text) ?? []))
