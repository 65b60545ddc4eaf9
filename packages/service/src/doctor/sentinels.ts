import type { Config } from '../config/schema.ts'
import type { RedisAddress, RedisHost } from '../config/store-address.ts'
import { sentinelClient } from '../main/redis-clients.ts'
import { brief, type Finding, fault, warning } from './finding.ts'

const CHECK = 'store sentinels'

/** Two of three can decide; of two, none can when one is away. */
const ENOUGH = 3

/** Asks each Sentinel: is it there, how many know each other, could they replace the master. */
export async function examineSentinels(
  address: RedisAddress,
  config: Config,
): Promise<readonly Finding[]> {
  if (address.form !== 'sentinel') return []
  const each = await Promise.all(address.hosts.map((host) => examine(host, address, config)))
  return [...new Map(each.flat().map((one) => [one.finding, one])).values()]
}

async function examine(
  where: RedisHost,
  address: RedisAddress,
  config: Config,
): Promise<readonly Finding[]> {
  const name = address.master ?? ''
  const client = sentinelClient(where, address, { ...config, lasts: false })
  let last: Error | undefined
  client.on('error', (error) => {
    last = error
  })
  try {
    await client.connect()
    const others = await client.call('SENTINEL', 'SENTINELS', name)
    const findings: Finding[] = []
    if (Array.isArray(others) && others.length + 1 < ENOUGH) {
      findings.push(
        warning(
          CHECK,
          `${others.length + 1} of ${ENOUGH} Sentinels watch "${name}": the loss of one can keep ` +
            'a replica from being promoted',
          `Run at least ${ENOUGH}, on machines of their own.`,
        ),
      )
    }
    const quorum = await client.call('SENTINEL', 'CKQUORUM', name).then(() => undefined, brief)
    if (quorum !== undefined) {
      findings.push(
        fault(
          CHECK,
          `the Sentinels cannot replace the master: ${quorum}`,
          'Start those that are away, and let them reach each other.',
        ),
      )
    }
    return findings
  } catch (error) {
    return [
      warning(
        CHECK,
        `the Sentinel ${where.host}:${where.port} does not answer: ${brief(last ?? error)}`,
        'Start it, correct HOLDFAST_STORE, or storeSentinelUser and storeSentinelPassword.',
      ),
    ]
  } finally {
    client.disconnect()
  }
}
