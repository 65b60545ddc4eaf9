import { historyIdentity, sealingCodec } from '../../src/codecs/codec.ts'
import { decodeHistory } from '../../src/codecs/history-record.ts'
import { factReader } from '../../src/codecs/record-facts.ts'
import { changesAt, NO_HISTORY, type SubjectHistory } from '../../src/core/history.ts'
import { describeNetwork } from '../../src/network/describe.ts'
import type { Harness } from './harness.ts'

/** What the store knows of ada's past, opened with the keys of the engine. */
export async function pastOf({ store, keyring, host }: Harness): Promise<SubjectHistory> {
  const codec = sealingCodec(keyring, host)
  const subject = codec.subjectKey('default', 'ada')
  const { sealed, version } = await store.subjects.read(subject)
  if (sealed === undefined) return NO_HISTORY
  const readFacts = factReader((ip) => describeNetwork(ip))
  return decodeHistory(codec.open(historyIdentity(subject, version), sealed), readFacts)
}

/** How often contexts became confirmed, by what they had been new as. */
export async function habitsOf(h: Harness): Promise<Readonly<Record<string, number>>> {
  const { changes } = await pastOf(h)
  const at = h.host.now()
  const counts = Object.keys(changes.byReason).map((reason) => {
    return [reason, Math.round(changesAt(changes, at, reason).seen)]
  })
  return Object.fromEntries(counts)
}
