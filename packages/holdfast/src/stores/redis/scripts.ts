import { createHash } from 'node:crypto'
import { EXPIRED_READABLE_MS, UNKNOWN_ENDED_MS } from '../../core/store.ts'
import { MEASURED_EVERY } from '../feed/bound.ts'
import {
  GENERATION_OFFSET,
  LAST_ACTIVITY_OFFSET,
  LENGTH_BYTES,
  LIVE,
  LIVE_APART,
  RECORD_HEADER_BYTES,
} from '../stored-record.ts'
import { PACKED_FIELD, SUBJECT } from './feed-items.ts'
import { LIST, SUBJECTS } from './list-scripts.ts'
import { COMMON, FIT, FULL, HEADER } from './lua-functions.ts'

/** A Lua script that runs as one atomic step in one slot. */
export interface Script {
  readonly name: string
  readonly source: string
  readonly sha: string
}

/** The answer of a script that has to wait for the audit log: nothing was written. */
export const BACKLOG_FULL = -3

/**
 * KEYS record generation index subjects feed counter apart confirmed. 1 written, 0 conflict,
 * -1 gone, -2 limit, -3 backlog full. `apart` has the attributes of a record of before. Attributes
 * that come with a record stand behind it, as the next argument says. Else it keeps its own.
 */
const WRITE = `
local member, subject, version = ARGV[3], ARGV[4], tonumber(ARGV[5])
local initial, created, deadline = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local seen, limit, prefix = tonumber(ARGV[10]), ARGV[11], ARGV[12]
local generation = generationOf(KEYS[2])
local before = current(KEYS[1])
local live = alive(before, generation)

if deadline <= now then return -1 end
if before then
  if not live then return -1 end
elseif version > 1 then return -1 end
if (live and before.version or 0) ~= version - 1 then return 0 end
if version == 1 then
  if initial < generation then return -1 end
end
if refuses(KEYS[5], KEYS[6], KEYS[8]) then return ${BACKLOG_FULL} end
if version == 1 then
  if limit ~= '' then
    local count = 0
    limit = tonumber(limit)
    for _, other in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
      local entry = current(prefix .. other)
      if alive(entry, generation) then
        count = count + 1
        if count >= limit then return -2 end
      else
        redis.call('ZREM', KEYS[3], other)
      end
    end
    if count >= limit then return -2 end
  end
end

local survived, last, attributes, _ = initial, created, ''
if live then
  survived, last = math.max(before.generation, initial), before.last
  if ARGV[14] == '' then _, attributes = partsOf(redis.call('GET', KEYS[1]), KEYS[7]) end
end
local head = struct.pack('${HEADER}', ${LIVE}, version, survived, created, deadline,
  tonumber(ARGV[9]), math.max(last, seen))
redis.call('SET', KEYS[1], head .. ARGV[13] .. attributes, 'PXAT', fmt(deadline + DAY))
if live then redis.call('UNLINK', KEYS[7]) end
redis.call('ZADD', KEYS[3], ARGV[7], member)
if not live or before.deadline ~= deadline then
  keepUntil(KEYS[3], deadline)
  redis.call('ZADD', KEYS[4], 'GT', ARGV[8], subject)
  keepUntil(KEYS[4], deadline)
  trim(KEYS[4], 8)
end
emit(KEYS[5], KEYS[6], KEYS[8], arguments(15))
if version > 1 then announce(KEYS[5]) end
return 1
`

/**
 * KEYS record generation feed counter confirmed, of each. After what all share, the channel of
 * wake-ups last: the partition, the record without attributes, how many items, and the items. As
 * WRITE for versions above the first, with the same answers and checks, and without the shared
 * functions: nearly every write is one of these. The deadline has to stay, so that expiry and
 * indexes are right already. A record as long as the one before is written in place: its attributes
 * are neither moved nor sent to replicas and logs. 2: expiry and indexes may be wrong, or the
 * attributes are apart: WRITE has to do it. A process whose clock is ahead may have taken a session
 * that was silent for long out of its index. What fails fails alone, and answers the message.
 * Numbers go as texts where they can: to write one out takes Redis longer than to read it.
 */
const UPDATE = `
local now, wake = tonumber(ARGV[1]), ARGV[3]
local limit, room, most = string.match(ARGV[2], '^(%d+) (%d+) (%d+)$')
local function fmt(n) return string.format('%.0f', n) end
${FIT}
${FULL}
local function update(k, a)
  local record, feed, counter, given = KEYS[k], KEYS[k + 2], KEYS[k + 3], ARGV[a + 1]
  local _, version, initial, created, deadline, idle, seen = struct.unpack('${HEADER}', given)
  if deadline <= now then return -1 end
  local raw = redis.call('GETRANGE', record, '0', '${RECORD_HEADER_BYTES + 2}')
  local known = redis.call('MGET', KEYS[k + 1], counter, KEYS[k + 4])
  local generation = tonumber(known[1] or '0')
  local layout = string.byte(raw)
  if layout ~= ${LIVE} and layout ~= ${LIVE_APART} then return -1 end
  local _, stored, survived, _, til, silence, last = struct.unpack('${HEADER}', raw)
  if survived < generation or now >= til or last == 0 or now - last >= silence then return -1 end
  if stored ~= version - 1 then return 0 end
  if layout ~= ${LIVE} or til ~= deadline or now - last > silence / 2 then return 2 end

  local waiting = known[3] and tonumber(known[2] or '0') - tonumber(known[3]) or 0
  if waiting >= ${MEASURED_EVERY}
    and full(feed, waiting, tonumber(limit), tonumber(room), tonumber(most)) then
    return ${BACKLOG_FULL}
  end

  local body = string.sub(given, ${RECORD_HEADER_BYTES + 1})
  local head = struct.pack('${HEADER}', ${LIVE}, version, math.max(survived, initial), created,
    deadline, idle, math.max(last, seen))
  local size = ${LENGTH_BYTES} + struct.unpack('>I3', raw, ${RECORD_HEADER_BYTES + 1})
  if #body == size then
    redis.call('SETRANGE', record, '0', head .. body)
  else
    local attributes = redis.call('GETRANGE', record, ${RECORD_HEADER_BYTES} + size, -1)
    redis.call('SET', record, head .. body .. attributes, 'PXAT',
      fmt(deadline + ${EXPIRED_READABLE_MS}))
  end
  local items = tonumber(ARGV[a + 2])
  local newest = redis.call('INCRBY', counter, ARGV[a + 2])
  if known[3] then waiting = waiting + items end
  local keep = waiting > tonumber(limit) and fmt(waiting) or limit
  local number
  for i = 1, items do
    number = fmt(newest - items + i)
    redis.call('XADD', feed, 'MAXLEN', '~', keep, number .. '-0', '${PACKED_FIELD}',
      ARGV[a + 2 + i])
  end
  if newest % ${MEASURED_EVERY} < items then fit(feed, tonumber(room), waiting) end
  -- pcall: the write must stand also where this user may not publish
  redis.pcall('PUBLISH', wake, ARGV[a] .. ' ' .. number)
  return 1
end

local outcomes, a = {}, 4
for k = 1, #KEYS, 5 do
  local _, outcome = pcall(update, k, a)
  outcomes[#outcomes + 1] = type(outcome) == 'table' and outcome.err or outcome
  a = a + 3 + tonumber(ARGV[a + 2])
end
return outcomes
`

/**
 * KEYS record generation index apart feed counter secret confirmed. 1 when it was there, live or
 * expired. UNLINK comes first: once a script has freed memory, Redis lets its other writes pass,
 * also at the memory limit.
 */
const REVOKE = `
local entry = current(KEYS[1])
if entry and entry.dead then return 0 end
local found = readable(entry, generationOf(KEYS[2]))
local til = entry and entry.deadline or now + ${UNKNOWN_ENDED_MS}
redis.call('UNLINK', KEYS[1], KEYS[4])
if til > now then
  redis.call('SET', KEYS[1], struct.pack('>BI6', 0, til), 'PXAT', fmt(til))
end
redis.call('ZREM', KEYS[3], ARGV[3])
if not found then return 0 end
emit(KEYS[5], KEYS[6], KEYS[8], arguments(4))
tell(KEYS[5], KEYS[7])
announce(KEYS[5])
return 1
`

/**
 * KEYS record generation index feed counter secret confirmed. 1 for the first time. The record
 * stays, without its attributes. PEXPIREAT comes first, as UNLINK in REVOKE.
 */
const EXPIRE = `
local entry = current(KEYS[1])
if not readable(entry, generationOf(KEYS[2])) or entry.last == 0 then return 0 end
redis.call('PEXPIREAT', KEYS[1], fmt(now + DAY), 'LT')
local raw = redis.call('GET', KEYS[1])
local sealed = partsOf(raw)
redis.call('SET', KEYS[1], string.char(${LIVE}) .. string.sub(raw, 2, ${LAST_ACTIVITY_OFFSET}) ..
  struct.pack('>I6', 0) .. sealed, 'KEEPTTL')
redis.call('ZREM', KEYS[3], ARGV[3])
emit(KEYS[4], KEYS[5], KEYS[7], arguments(4))
tell(KEYS[4], KEYS[6])
announce(KEYS[4])
return 1
`

/** KEYS records. After the clock, one instant for each. */
const TOUCH = `
for i, key in ipairs(KEYS) do
  local entry = current(key)
  local at = tonumber(ARGV[i + 1])
  if alive(entry, 0) and at > entry.last then
    redis.call('SETRANGE', key, ${LAST_ACTIVITY_OFFSET}, struct.pack('>I6', at))
  end
end
return 0
`

/**
 * KEYS generation index feed counter secret confirmed except. Answers the new generation. UNLINK
 * comes first, as in REVOKE.
 */
const REVOKE_SUBJECT = `
local at, subject, except, member, reason = tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local before = generationOf(KEYS[1])
local generation = math.max(before + 1, at)
local entry = except ~= '' and current(KEYS[7]) or nil
redis.call('UNLINK', KEYS[2])
local kept = '\\0'
if alive(entry, before) then
  kept = '\\1' .. except
  redis.call('SETRANGE', KEYS[7], ${GENERATION_OFFSET}, struct.pack('>I6', generation))
  redis.call('ZADD', KEYS[2], fmt(entry.created), member)
  keepUntil(KEYS[2], entry.deadline)
end
redis.call('SET', KEYS[1], fmt(generation))
local items = arguments(8)
table.insert(items, 1,
  struct.pack('>BI6I6', ${SUBJECT}, generation, at) .. subject .. kept .. reason)
emit(KEYS[3], KEYS[4], KEYS[6], items)
tell(KEYS[3], KEYS[5])
announce(KEYS[3])
return generation
`

/** KEYS history histories. 1 written, 0 conflict. */
const WRITE_HISTORY = `
local version, til, stored = tonumber(ARGV[2]), tonumber(ARGV[3]), 0
local raw = redis.call('GETRANGE', KEYS[1], 0, 9)
if #raw == 10 then
  local kept, known = struct.unpack('>I6I4', raw)
  if kept > now then stored = known end
end
if stored ~= version - 1 then return 0 end
if til > now then
  redis.call('SET', KEYS[1], struct.pack('>I6I4', til, version) .. ARGV[5], 'PXAT', ARGV[3])
  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[4])
  keepUntil(KEYS[2], til)
else
  redis.call('UNLINK', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[4])
end
trim(KEYS[2], 8)
return 1
`

/** KEYS replay. 1 for the first use of a key, 0 for every later one. */
const ONCE = `
if tonumber(redis.call('GET', KEYS[1]) or '0') > now then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[2])
return 1
`

/** A client that has lost its connection sends again what had no answer. By then it is given up. */
const SENT_AGAIN_MS = 60_000

/** KEYS feed counter confirmed sent. What was appended and is sent again is not appended again. */
const APPEND = `
if refuses(KEYS[1], KEYS[2], KEYS[3]) then return ${BACKLOG_FULL} end
if not redis.call('SET', KEYS[4], '', 'NX', 'PX', ${SENT_AGAIN_MS}) then return 1 end
emit(KEYS[1], KEYS[2], KEYS[3], arguments(3))
return 1
`

/** KEYS confirmed. */
const CONFIRM = `
if tonumber(redis.call('GET', KEYS[1]) or '-1') < tonumber(ARGV[2]) then
  redis.call('SET', KEYS[1], ARGV[2])
end
return 1
`

/**
 * All scripts by what they do. The first argument of each is the clock; the second, in a script
 * that appends to the feed, has the feed's bounds: entries, bytes, and bytes that wait beyond them.
 */
export const SCRIPTS = {
  write: script('write', COMMON + WRITE),
  update: script('write', UPDATE),
  revoke: script('revoke', COMMON + REVOKE),
  expire: script('expire', COMMON + EXPIRE),
  touch: script('touch', COMMON + TOUCH),
  list: script('list', COMMON + LIST),
  subjects: script('list the subjects of a partition', COMMON + SUBJECTS),
  revokeSubject: script('revoke a subject', COMMON + REVOKE_SUBJECT),
  writeHistory: script('write a history', COMMON + WRITE_HISTORY),
  once: script('let a key through once', COMMON + ONCE),
  append: script('append events', COMMON + APPEND),
  confirm: script('confirm a position', CONFIRM),
} as const

function script(name: string, source: string): Script {
  return { name, source, sha: createHash('sha1').update(source).digest('hex') }
}
