import {
  attributesIdentity,
  historyIdentity,
  sealingCodec,
  sessionIdentity,
} from '../../src/codecs/codec.ts'
import { openEvent } from '../../src/codecs/event-record.ts'
import { decodeHistory } from '../../src/codecs/history-record.ts'
import type { Keyring } from '../../src/codecs/keyring.ts'
import { factReader } from '../../src/codecs/record-facts.ts'
import { decodeSession } from '../../src/codecs/session-record.ts'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import type { Attributes } from '../../src/core/session.ts'
import { describeNetwork } from '../../src/network/describe.ts'
import type { GoldenOpened, GoldenRecords } from './files.ts'
import { bytes } from './raw-stores.ts'

/** Opens the sealed records with the code of this version. */
export function openedOf(records: GoldenRecords, keyring: Keyring): GoldenOpened {
  const codec = sealingCodec(keyring, fakeHost())
  const readFacts = factReader((ip) => describeNetwork(ip))
  return {
    sessions: records.sessions.map((record) => {
      const content = codec.open(sessionIdentity(record), bytes(record.sealed))
      const { id, attributes } = record
      return {
        state: decodeSession(content, record, readFacts),
        attributes:
          attributes &&
          (codec.openJson(
            attributesIdentity(id, attributes.version),
            bytes(attributes.sealed),
          ) as Attributes),
      }
    }),
    histories: records.histories.map(({ subject, version, sealed }) =>
      decodeHistory(codec.open(historyIdentity(subject, version), bytes(sealed)), readFacts),
    ),
    events: records.feed.flatMap(({ kind, id = '', sealed = '' }) =>
      kind === 'event' ? [openEvent(codec, id, bytes(sealed)).event] : [],
    ),
  }
}
