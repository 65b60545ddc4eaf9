import { openMmdb } from 'holdfast/network'

/** What is wrong with the bytes of a geo file for what it is to tell; undefined when nothing is. */
export function geoFileProblem(bytes: Uint8Array, role: 'city' | 'asn'): string | undefined {
  try {
    return openMmdb(bytes).problem(role)
  } catch {
    return 'is not a sound MMDB file'
  }
}
