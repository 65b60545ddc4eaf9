import { createSessions, type Sessions } from 'holdfast'
import { personalFactsOf } from '../config/personal-facts.ts'
import type { Config } from '../config/schema.ts'
import { policiesOf, policyOf } from './policy.ts'
import type { Resources } from './resources.ts'

/** The engine as the configuration has it, on what the service has opened. */
export function engineOf(
  config: Config,
  { store, keys, host, geo, log, metrics, tracing, onEvent }: Resources,
): Sessions {
  const { keyring, tokens } = keys
  return createSessions({
    store,
    keyring,
    host,
    policy: policyOf(config.policy),
    tenantPolicies: policiesOf(config.tenantPolicies),
    ...(config.shadowPolicy === undefined ? {} : { shadowPolicy: policyOf(config.shadowPolicy) }),
    lookup: geo.lookup,
    prefixV4: config.prefixV4,
    prefixV6: config.prefixV6,
    idleTimeout: config.idleTimeout,
    absoluteTimeout: config.absoluteTimeout,
    classes: config.classes,
    tenants: config.tenants,
    ...(config.sessionLimit === undefined ? {} : { sessionLimit: config.sessionLimit }),
    sessionLimitBeyond: config.sessionLimitBeyond,
    acrOrder: config.acrOrder,
    rotateEvery: config.rotateEvery,
    ...(tokens === undefined ? {} : { tokens }),
    cacheBytes: config.cacheBytes,
    localCopies: config.localCopies ? { onAsked: metrics.copyAsked } : false,
    personalFacts: personalFactsOf(config),
    eventSampling: config.eventSampling,
    eventSamplingPerSecond: config.eventSamplingPerSecond,
    onEvent,
    ...(tracing === undefined ? {} : { telemetry: tracing.telemetry }),
    onMemories: metrics.showMemories,
    onWarning: (message) => log.warn(message),
  })
}
