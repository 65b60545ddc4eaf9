import { DEFAULT_CACHE_BYTES, DEFAULT_ROTATE_EVERY_MS } from 'holdfast'
import { z } from 'zod'
import { addressHeader } from '../client-address.ts'
import { policyChoice } from '../policy.ts'
import { setting } from '../setting.ts'
import { duration, size } from '../values.ts'

const listFiles = z.array(z.string().min(1)).max(16)

/** How presentations are judged, and from what data. */
export const judging = {
  policy: setting(policyChoice.default('balanced'), {
    about:
      'How much evidence leads to which answer: `lenient`, `balanced` or `strict`; or ' +
      'thresholds in decibans, `{ observe: 12, challenge: 24, limit: 50, revokeForks: false ' +
      '}`; or what they follow from, `{ hijacks: 0.0001, missCost: 5000 }`, hijacks per ' +
      'user-month and the worth of a missed one in needless prompts. See ' +
      '[policies](policies.md).',
    example: 'balanced',
    reading: 'yaml',
  }),
  tenantPolicies: setting(z.record(z.string().min(1).max(128), policyChoice).default({}), {
    about: 'Policies of tenants that have one of their own, written like `policy`.',
    example: '{ acme: strict }',
    reading: 'yaml',
  }),
  shadowPolicy: setting(policyChoice.optional(), {
    about:
      'A second policy, written like the first, that judges the same evidence and decides ' +
      'nothing; where it differs, an event says so.',
    example: 'strict',
    reading: 'yaml',
  }),
  acrOrder: setting(z.array(z.string().min(1).max(64)).max(16).default([]), {
    about:
      'Authentication context classes from weakest to strongest. Without it a demanded `acr` ' +
      'must be met exactly.',
    example: 'urn:basic,urn:mfa',
    reading: 'list',
  }),
  rotateEvery: setting(duration.default(DEFAULT_ROTATE_EVERY_MS), {
    about: 'Age at which a session secret is replaced, when the answer can carry a cookie.',
    example: '5m',
    reading: 'text',
  }),
  localCopies: setting(z.boolean().default(false), {
    about:
      'Keep copies of sessions in this process, so that most verifications ask no store. A ' +
      'revocation by another process then takes effect here when the feed has told of it: ' +
      'within milliseconds, and within 3 s while Redis is failing to answer. Revocations ' +
      'through this process take effect at once either way.',
    example: 'true',
    reading: 'yaml',
  }),
  cacheBytes: setting(
    size.refine((bytes) => bytes <= 64e9, 'must be at most 64GB').default(DEFAULT_CACHE_BYTES),
    {
      about:
        'Most memory for what was opened and proven lately, about: tokens, records, attributes. ' +
        'The default is for some 20,000 sessions; those that find no room are opened at each ' +
        'request. It makes no decision older: what the store answers is compared with it.',
      example: '250MB',
      reading: 'text',
    },
  ),
  prefixV4: setting(z.int().min(8).max(32).default(24), {
    about: 'IPv4 addresses that share this many leading bits are one network.',
    example: '24',
    reading: 'number',
  }),
  prefixV6: setting(z.int().min(16).max(128).default(64), {
    about: 'IPv6 addresses that share this many leading bits are one network.',
    example: '64',
    reading: 'number',
  }),
  geoCity: setting(z.array(z.string().min(1)).max(8).default([]), {
    about: 'MMDB files that place addresses (city or country); the first that knows answers.',
    example: '/var/lib/holdfast/geo/city.mmdb',
    reading: 'list',
  }),
  geoAsn: setting(z.array(z.string().min(1)).max(8).default([]), {
    about: 'MMDB files that name the network (ASN and organisation) of an address.',
    example: '/var/lib/holdfast/geo/asn.mmdb',
    reading: 'list',
  }),
  networks: setting(
    z
      .strictObject({
        corporate: listFiles.optional(),
        tor: listFiles.optional(),
        relay: listFiles.optional(),
        vpn: listFiles.optional(),
        satellite: listFiles.optional(),
        hosting: listFiles.optional(),
      })
      .default({}),
    {
      about:
        'Files of networks by what they are: one CIDR a line (`#` comments), or CSV whose ' +
        "first column is one. The narrowest network is believed, before what its provider's " +
        "number says. `corporate` is for the way out of your users' offices. See " +
        '[networks](networks.md).',
      example: '{ corporate: [/etc/holdfast/offices.txt], tor: [/var/lib/holdfast/tor.txt] }',
      reading: 'yaml',
    },
  ),
  trustedProxies: setting(z.array(z.string().min(1).max(64)).max(64).default([]), {
    about:
      'Addresses and prefixes of the proxies between callers and the API, whose ' +
      '`addressHeader` says who called: for the log, as sessions are judged by the address ' +
      'that the caller puts into `request`. At the gates also those before a gateway, whose ' +
      'word about the client is believed.',
    example: '10.0.0.0/8,192.168.1.7',
    reading: 'list',
  }),
  addressHeader: setting(addressHeader.default('x-forwarded-for'), {
    about:
      'The one header in which the `trustedProxies` name the client: `x-forwarded-for`, ' +
      '`forwarded`, or one that holds a single address, such as `cf-connecting-ip`; with ' +
      '`:port` behind its name where a port always follows the address. See [edges](edges.md).',
    example: 'cf-connecting-ip',
    reading: 'text',
  }),
}
