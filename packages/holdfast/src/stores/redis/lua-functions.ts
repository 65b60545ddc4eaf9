import { EXPIRED_READABLE_MS } from '../../core/store.ts'
import { LARGE_ENTRY_BYTES, MEASURED_EVERY } from '../feed/bound.ts'
import { LIVE, RECORD_HEADER_BYTES } from '../stored-record.ts'
import { PACKED_FIELD } from './feed-items.ts'
import { TOLD_BYTES, TOLD_ENTRIES } from './told-message.ts'

/** The layout of the header of a record, for struct. */
export const HEADER = '>BI4I6I6I6I6I6'

/**
 * Trims a feed to its share of bytes, but for the entries that wait for the audit log. It calls
 * `fmt`.
 */
export const FIT = `
-- pcall: where this user may not ask for the size, the bound of entries is left
local function fit(feed, room, waiting)
  local size = redis.pcall('MEMORY', 'USAGE', feed)
  if type(size) ~= 'number' or size <= room then return end
  local keep = math.max(waiting, math.floor(redis.call('XLEN', feed) * room / size))
  redis.call('XTRIM', feed, 'MAXLEN', '~', fmt(keep))
end
`

/** Whether so many entries wait for the audit log that no more may. */
export const FULL = `
local function full(feed, waiting, limit, room, most)
  local length = redis.call('XLEN', feed)
  -- pcall: where this user may not ask for the size, all entries count as large ones
  local size = redis.pcall('MEMORY', 'USAGE', feed)
  if type(size) ~= 'number' then size = ${LARGE_ENTRY_BYTES} * length end
  local usual = math.min(limit, length * room / size)
  return (math.min(waiting, length) - usual) * size > most * length
end
`

/**
 * The functions that most scripts share; they stand in front of each. Numbers go through `fmt`,
 * because Lua would write 1.7e+12. Strings are compared byte by byte, because Lua's own comparison
 * follows the server's locale.
 */
export const COMMON = `
local function fmt(n) return string.format('%.0f', n) end
local now = tonumber(ARGV[1])
local DAY = ${EXPIRED_READABLE_MS}

local function parse(raw)
  if not raw or raw == '' then return nil end
  if string.byte(raw) == 0 then
    local _, til = struct.unpack('>BI6', raw)
    return { dead = true, deadline = til, kept = til }
  end
  local _, version, generation, created, deadline, idle, last =
    struct.unpack('${HEADER}', raw)
  return { version = version, generation = generation, created = created,
    deadline = deadline, idle = idle, last = last, kept = deadline + DAY }
end

-- The sealed record behind its length, and the attributes behind their version, '' for none. A
-- record of before has its attributes in a key of its own.
local function partsOf(raw, apart)
  local first = ${RECORD_HEADER_BYTES + 1}
  if string.byte(raw) == ${LIVE} then
    local size, start = struct.unpack('>I3', raw, first)
    return string.sub(raw, first, start + size - 1), string.sub(raw, start + size)
  end
  local sealed = string.sub(raw, first)
  return struct.pack('>I3', #sealed) .. sealed, apart and redis.call('GET', apart) or ''
end

local function current(key)
  local entry = parse(redis.call('GETRANGE', key, 0, ${RECORD_HEADER_BYTES - 1}))
  if entry and entry.kept > now then return entry end
end

local function generationOf(key) return tonumber(redis.call('GET', key) or '0') end

local function readable(entry, generation)
  return entry and not entry.dead and entry.generation >= generation
end

local function within(deadline, idle, last)
  return now < deadline and last ~= 0 and now - last < idle
end

local function alive(entry, generation)
  return readable(entry, generation) and within(entry.deadline, entry.idle, entry.last)
end

local function keepUntil(key, deadline)
  redis.call('PEXPIREAT', key, fmt(deadline), 'NX')
  redis.call('PEXPIREAT', key, fmt(deadline), 'GT')
end

local function trim(index, count)
  local past = redis.call('ZRANGE', index, '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, count)
  for _, subject in ipairs(past) do redis.call('ZREM', index, subject) end
end

local newest = 0

${FIT}
${FULL}
local function bounds()
  local limit, room, most = string.match(ARGV[2], '^(%d+) (%d+) (%d+)$')
  return tonumber(limit), tonumber(room), tonumber(most)
end

-- Asked before anything is written. Endings do not ask.
local function refuses(feed, counter, confirmed)
  local known = redis.call('MGET', counter, confirmed)
  local waiting = known[2] and tonumber(known[1] or '0') - tonumber(known[2]) or 0
  return waiting >= ${MEASURED_EVERY} and full(feed, waiting, bounds())
end

local function emit(feed, counter, confirmed, items)
  if #items == 0 then return end
  local limit, room = bounds()
  newest = redis.call('INCRBY', counter, #items)
  local has = redis.call('GET', confirmed)
  local waiting = has and newest - tonumber(has) or 0
  local keep = fmt(math.max(limit, waiting))
  for i, item in ipairs(items) do
    redis.call('XADD', feed, 'MAXLEN', '~', keep, fmt(newest - #items + i) .. '-0',
      '${PACKED_FIELD}', item)
  end
  if newest % ${MEASURED_EVERY} < #items then fit(feed, room, waiting) end
end

-- pcall: the write must stand also where this user may not publish
local function announce(feed)
  local prefix, partition = string.match(feed, '^(.*)f{p(%d+)}$')
  redis.pcall('PUBLISH', prefix .. 'wake', partition .. ' ' .. fmt(newest))
end

-- The newest entries, for those who know the secret of the partition: they need not read.
local function tell(feed, secret)
  local key = redis.call('GET', secret)
  if not key then return end
  local found = redis.call('XREVRANGE', feed, '+', '-', 'COUNT', ${TOLD_ENTRIES})
  local items, size = {}, 0
  for i, entry in ipairs(found) do
    local field, item = entry[2][1], entry[2][2]
    size = size + #item
    if field ~= '${PACKED_FIELD}' or entry[1] ~= fmt(newest - i + 1) .. '-0'
      or size > ${TOLD_BYTES} then break end
    table.insert(items, 1, struct.pack('>I2', #item) .. item)
  end
  local prefix, partition = string.match(feed, '^(.*)f{p(%d+)}$')
  local head = partition .. ' ' .. fmt(newest) .. ' '
  local body = table.concat(items)
  local tag = redis.sha1hex(key .. redis.sha1hex(key .. head .. body))
  redis.pcall('PUBLISH', prefix .. 'wake', head .. tag .. body)
end

local function arguments(first)
  local items = {}
  for i = first, #ARGV do items[#items + 1] = ARGV[i] end
  return items
end

local function follows(a, b)
  for i = 1, #b do
    local x, y = string.byte(a, i) or -1, string.byte(b, i)
    if x ~= y then return x > y end
  end
  return #a > #b
end
`
