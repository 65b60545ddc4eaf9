import { RECORD_HEADER_BYTES } from './stored-record.ts'

/**
 * What the scripts share, in front of each. Numbers go through `fmt`: Lua would write 1.7e+12. Strings are
 * compared byte by byte: Lua's own comparison follows the server's locale.
 */
export const COMMON = `
local function fmt(n) return string.format('%.0f', n) end
local now = tonumber(ARGV[1])

local function parse(raw)
  if not raw or raw == '' then return nil end
  if string.byte(raw) == 0 then
    local _, til = struct.unpack('>BI6', raw)
    return { dead = true, deadline = til }
  end
  local _, version, generation, created, deadline, idle, last =
    struct.unpack('>BI4I6I6I6I6I6', raw)
  return { version = version, generation = generation, created = created,
    deadline = deadline, idle = idle, last = last }
end

local function current(key)
  local entry = parse(redis.call('GETRANGE', key, 0, ${RECORD_HEADER_BYTES - 1}))
  if entry and entry.deadline > now then return entry end
end

local function generationOf(key) return tonumber(redis.call('GET', key) or '0') end

local function readable(entry, generation)
  return entry and not entry.dead and entry.deadline > now and entry.generation >= generation
end

local function idle(entry) return now - entry.last > entry.idle end

local function keepUntil(key, deadline)
  redis.call('PEXPIREAT', key, fmt(deadline), 'NX')
  redis.call('PEXPIREAT', key, fmt(deadline), 'GT')
end

local function trim(index, count)
  local past = redis.call('ZRANGE', index, '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, count)
  for _, subject in ipairs(past) do redis.call('ZREM', index, subject) end
end

local newest = 0

local function emit(feed, counter, ...)
  newest = redis.call('INCR', counter)
  redis.call('XADD', feed, 'MAXLEN', '~', ARGV[2], fmt(newest) .. '-0', ...)
end

-- pcall: what is written is written, also where this user may not publish
local function announce(feed)
  local prefix, partition = string.match(feed, '^(.*)f{p(%d+)}$')
  redis.pcall('PUBLISH', prefix .. 'wake', partition .. ' ' .. fmt(newest))
end

local function emitEvents(feed, counter, first)
  for i = first, #ARGV, 3 do
    emit(feed, counter, 'k', 'e', 'i', ARGV[i], 't', ARGV[i + 1], 's', ARGV[i + 2])
  end
end

local function follows(a, b)
  for i = 1, #b do
    local x, y = string.byte(a, i) or -1, string.byte(b, i)
    if x ~= y then return x > y end
  end
  return #a > #b
end
`
