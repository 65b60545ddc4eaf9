/**
 * Writes an MMDB file (MaxMind DB file format 2.0): a binary search tree over address bits, 16 zero
 * bytes, the records, the metadata. Enough of the format for test files and for converting a table:
 * maps, lists, text, unsigned integers, doubles, booleans. Equal records are stored once.
 */
export function mmdbWriter({ type, family = 6, recordSize = 28, builtAt = 0 }) {
  /** Two children a node. 0: nothing. Positive: a node. Negative: -(1 + offset) of a record. */
  let tree = new Int32Array(1 << 16)
  let nodes = 1
  const chunks = []
  const offsets = new Map()
  const seen = new WeakMap()
  let size = 0

  /** The very same object is not encoded again. */
  function recordOf(value) {
    const offset = seen.get(value) ?? offsetOf(value)
    seen.set(value, offset)
    return offset
  }

  function offsetOf(value) {
    const bytes = encode(value)
    const key = bytes.toString('latin1')
    const known = offsets.get(key)
    if (known !== undefined) return known
    offsets.set(key, size)
    chunks.push(bytes)
    size += bytes.length
    return size - bytes.length
  }

  function newNode(inherited) {
    if ((nodes + 1) * 2 > tree.length) {
      const larger = new Int32Array(tree.length * 2)
      larger.set(tree)
      tree = larger
    }
    tree[nodes * 2] = inherited
    tree[nodes * 2 + 1] = inherited
    return nodes++
  }

  return {
    /**
     * The network of `bits` bits (within 32 or 128) at `words`, one or four unsigned 32-bit words.
     * Later calls win.
     */
    add({ words, bits }, value) {
      const leaf = -(1 + recordOf(value))
      const inside = family === 6 && words.length === 1
      const path = inside ? [0, 0, 0, ...words] : words
      const length = inside ? bits + 96 : bits
      let node = 0
      for (let depth = 0; ; depth++) {
        const slot = node * 2 + ((path[depth >>> 5] >>> (31 - (depth & 31))) & 1)
        if (depth === length - 1) {
          tree[slot] = leaf
          return
        }
        if (tree[slot] <= 0) {
          const split = newNode(tree[slot])
          tree[slot] = split // only now: a new node may have moved the tree
        }
        node = tree[slot]
      }
    },
    finish() {
      const section = Buffer.alloc((nodes * recordSize) / 4)
      const recordAt = (slot) => {
        if (tree[slot] > 0) return tree[slot]
        return tree[slot] === 0 ? nodes : nodes + 16 + (-tree[slot] - 1)
      }
      if (nodes + 16 + size >= 2 ** recordSize)
        throw new RangeError('too large for this record size')
      for (let node = 0; node < nodes; node++) {
        writeNode(section, node, recordSize, recordAt(node * 2), recordAt(node * 2 + 1))
      }
      const metadata = encode({
        binary_format_major_version: 2,
        binary_format_minor_version: 0,
        build_epoch: Math.floor(builtAt / 1000),
        database_type: type,
        description: {},
        ip_version: family,
        languages: [],
        node_count: nodes,
        record_size: recordSize,
      })
      return Buffer.concat([section, Buffer.alloc(16), ...chunks, MARKER, metadata])
    },
  }
}

const MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')

function writeNode(section, node, recordSize, left, right) {
  const at = (node * recordSize) / 4
  if (recordSize === 32) {
    section.writeUInt32BE(left, at)
    section.writeUInt32BE(right, at + 4)
    return
  }
  section.writeUIntBE(left & 0xffffff, at, 3)
  section.writeUIntBE(right & 0xffffff, at + (recordSize === 28 ? 4 : 3), 3)
  // 28 bits: the byte in the middle has the four highest bits of both.
  if (recordSize === 28) section[at + 3] = ((left >>> 24) << 4) | (right >>> 24)
}

const TEXT = 2
const DOUBLE = 3
const UINT32 = 6
const MAP = 7
const LIST = 11
const BOOLEAN = 14

function encode(value) {
  if (typeof value === 'string') {
    const text = Buffer.from(value)
    return Buffer.concat([control(TEXT, text.length), text])
  }
  if (typeof value === 'boolean') return control(BOOLEAN, value ? 1 : 0)
  if (typeof value === 'number') return encodeNumber(value)
  if (Array.isArray(value))
    return Buffer.concat([control(LIST, value.length), ...value.map(encode)])
  const entries = Object.entries(value)
  const parts = entries.flatMap(([key, item]) => [encode(key), encode(item)])
  return Buffer.concat([control(MAP, entries.length), ...parts])
}

function encodeNumber(value) {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return Buffer.concat([control(UINT32, 4), bytes])
  }
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return Buffer.concat([control(DOUBLE, 8), bytes])
}

function control(type, size) {
  if (size > 284) throw new RangeError('longer than this writer needs')
  const [short, rest] = size < 29 ? [size, []] : [29, [size - 29]]
  return type < 8
    ? Buffer.from([(type << 5) | short, ...rest])
    : Buffer.from([short, type - 7, ...rest])
}
