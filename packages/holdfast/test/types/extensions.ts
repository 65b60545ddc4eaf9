import {
  balanced,
  createSessions,
  type Lookup,
  newKeyring,
  type Policy,
  type Signal,
  type Store,
  starterSignals,
} from 'holdfast'
import { memoryStore } from 'holdfast/memory'

/** A signal is a plain function. */
export const quiet: Signal = () => []

/** A signal of one's own answers evidence of a known group. */
export const loud: Signal = (_session, { network }) => [
  {
    group: 'N',
    reason: 'loud',
    weight: 3,
    detail: { asn: network.asn },
    text: 'The network is loud.',
  },
]

// @ts-expect-error There is no evidence group Z.
export const wrong: Signal = () => [{ group: 'Z', reason: 'x', weight: 1, detail: {}, text: 'x' }]

// @ts-expect-error A signal is synchronous: it may not ask anybody.
export const slow: Signal = async () => []

/** A policy can wrap another one. */
export const cautious: Policy = (evidence, situation) =>
  balanced()(evidence, { ...situation, networkConfirmed: false })

/** A lookup may know as little as a country. */
export const lookup: Lookup = (address) =>
  address.startsWith('192.0.2.') ? { country: 'NO' } : undefined

const store: Store = memoryStore()

/** All of them together. */
export const sessions = createSessions({
  store,
  keyring: newKeyring(),
  signals: [...starterSignals(), quiet, loud],
  policy: balanced(),
  tenantPolicies: { acme: cautious },
  shadowPolicy: cautious,
  lookup,
  prefixV6: 56,
})

// @ts-expect-error Words of a duration have a unit that is known.
createSessions({ store, keyring: newKeyring(), idleTimeout: '30 minutes' })
