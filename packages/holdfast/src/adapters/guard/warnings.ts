/** Tells the operator of something, each thing once for a guard. */
export type Warn = (warning: keyof typeof WARNINGS) => void

/** `onWarning` undefined: nobody is told. */
export function warnings(onWarning: ((message: string) => void) | undefined): Warn {
  const told = new Set<keyof typeof WARNINGS>()
  return (warning) => {
    if (onWarning === undefined || told.has(warning)) return
    told.add(warning)
    onWarning(WARNINGS[warning])
  }
}

/** What is wrong, what it costs, and the mend. */
const WARNINGS = {
  peerUnknown:
    'Holdfast: the address of clients is not known, so nothing that a session is judged by tells ' +
    "networks apart. Give the adapter the socket's address (the option `peer` of " +
    'holdfast/fetch), or name the proxy in front in `address.trust` (`trustedProxies` of the ' +
    'service).',
  proxyNotTrusted:
    'Holdfast: a proxy with a private address reports its client, and is not trusted with it, so ' +
    'all clients have the address of the proxy. Name the proxy in `address.trust`, for example ' +
    "{ proxies: ['10.0.0.0/8'] } (`trustedProxies` of the service), and its header in " +
    '`address.header`.',
  proxySilent:
    'Holdfast: a trusted proxy does not report its client in the header that is read, so all ' +
    'clients have the address of the proxy. Let it write X-Forwarded-For, or name the header ' +
    'that it writes in `address.header`.',
  formWithoutToken:
    "Holdfast: a form came to an optional route with a session and without the session's form " +
    'token, so it passed without the session. Send `session.formToken` in the field `_form`, or ' +
    'put no guard in front of the form that logs in.',
  keyUnknown:
    'Holdfast: a session cookie of another key ring came. Applications that share a host, on any ' +
    "of its ports, overwrite each other's cookie: give each a name of its own, for example " +
    "`carriers: [cookie({ name: '__Host-shop' })]`. All processes of one application need the " +
    'same key ring.',
  onBehalfIgnored:
    'Holdfast: a request came with a header that says for whom it asks, and it is not believed, ' +
    'so it is judged as what it is. `onBehalf.onIgnored` hears why. Both sides need the same ' +
    'secret, the cookie or token of the person, and clocks that differ by less than 30 s.',
  plainCookie:
    'Holdfast: Safari keeps no Secure cookies over plain HTTP, so on this machine it got a ' +
    'cookie without `Secure` and without a `__Host-` name. Elsewhere, and where NODE_ENV is ' +
    '`production`, that never happens.',
} as const

/** Where the application hears warnings itself, this is not called. */
export function processWarning(message: string): void {
  const { process }: { readonly process?: Partial<typeof globalThis.process> } = globalThis
  if (process?.emitWarning === undefined) console.warn(message)
  else process.emitWarning(message)
}
