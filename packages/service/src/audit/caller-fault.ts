import { SessionError } from 'holdfast'

/** A fault of the audit log of which callers of the API may read the message: the store is well. */
export function callerFault(message: string, options?: ErrorOptions): SessionError {
  return Object.assign(new SessionError('store_unavailable', message, options), { isOpen: true })
}

/** Whether it is of {@link callerFault}. */
export function isCallerFault(error: SessionError): boolean {
  return 'isOpen' in error
}
