import { readFileSync } from 'node:fs'

/** How the other end is known, and how this end shows who it is. */
export interface TlsFiles {
  /** File of the authorities (PEM) to check against, instead of those of the system. */
  readonly caFile?: string | undefined
  /** Files of our certificate and its key (PEM), where the receiver asks for one. */
  readonly certificateFile?: string | undefined
  readonly keyFile?: string | undefined
  /** The name that its certificate must be for, instead of that in the address. */
  readonly serverName?: string | undefined
}

/** Options of `node:tls`. Read for each connection, so that renewed certificates are used. */
export function tlsOptions(files: TlsFiles): Readonly<Record<string, Buffer | string>> {
  const { caFile, certificateFile, keyFile, serverName } = files
  return {
    minVersion: 'TLSv1.2',
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
    ...(certificateFile === undefined ? {} : { cert: readFileSync(certificateFile) }),
    ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  }
}
