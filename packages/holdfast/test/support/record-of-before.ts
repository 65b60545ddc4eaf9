import {
  encodeRecord,
  type LiveRecord,
  RECORD_HEADER_BYTES,
} from '../../src/stores/stored-record.ts'

/** The bytes of a live record of before, and of the attributes that a store kept apart from it. */
export function recordOfBefore({
  attributes,
  sealed,
  ...header
}: Omit<LiveRecord, 'kind'>): readonly [record: Buffer, apart?: Buffer] {
  const whole = encodeRecord({ kind: 'live', ...header, attributes: undefined, sealed })
  const record = Buffer.concat([whole.subarray(0, RECORD_HEADER_BYTES), sealed])
  record[0] = 1
  if (attributes === undefined) return [record]
  const version = Buffer.alloc(4)
  version.writeUInt32BE(attributes.version)
  return [record, Buffer.concat([version, attributes.sealed])]
}
