export type { Lookup, LookupResult } from '../core/lookup.ts'
export type { HeaderLookup } from '../core/request.ts'
export {
  type Address,
  formatAddress,
  networkOf,
  parseAddress,
  parseClientAddress,
  prefixText,
} from './address.ts'
export { type AddressSet, addressSet, type Cidr, parseCidr } from './address-set.ts'
export { ASN_KINDS } from './asn-kinds.ts'
export {
  type ClientAddress,
  type ClientAddressResolver,
  clientAddressResolver,
} from './client-address.ts'
export { type DescribeOptions, describeNetwork, isPublic, translatedAddress } from './describe.ts'
export {
  CLIENT_HEADERS,
  type ForwardingHeader,
  forwardingHeaders,
  type SingleHeader,
} from './forwarding.ts'
export type { GeoFile, GeoProblem } from './geo-file.ts'
export { LISTED_KINDS, type ListedKind, type ListFile, type NetworkLists } from './list-file.ts'
export { isLoopbackAddress, isLoopbackHost } from './loopback.ts'
export { type GeoLookup, type GeoLookupOptions, geoLookup } from './mmdb.ts'
export { type MmdbFile, openMmdb } from './mmdb-file.ts'
export { parsePrefixList } from './prefix-list.ts'
export type { PrefixSet } from './prefix-set.ts'
export type { ClientAddressOptions, Trust } from './trusted-proxies.ts'
