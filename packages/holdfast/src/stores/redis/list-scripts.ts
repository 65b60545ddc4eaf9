import { LIVE, LIVE_APART } from '../stored-record.ts'
import { HEADER } from './lua-functions.ts'

/**
 * KEYS index generation. Answers three things: the position to read on from ('' at the end), for
 * each session the suffix of its id and its record in one string, and pairs of a place in that
 * list and the attributes that are kept apart from the record there.
 */
export const LIST = `
local limit, score, after = tonumber(ARGV[2]), ARGV[3], ARGV[4]
local generation = generationOf(KEYS[2])
local out, apart, dead, examined, offset = {}, {}, {}, 0, 0
local more, next, last = true, '', nil
while more do
  local size = math.min(128, limit + 2)
  local found = redis.call('ZRANGE', KEYS[1], score, '+inf', 'BYSCORE', 'LIMIT', offset, size,
    'WITHSCORES')
  offset = offset + size
  more = #found == 2 * size
  local first = 1
  while found[first] and found[first + 1] == score and not follows(found[first], after) do
    first = first + 2
  end
  local names = {}
  for i = first, #found, 2 do names[#names + 1] = ARGV[5] .. found[i] end
  local values = #names > 0 and redis.call('MGET', unpack(names)) or names
  for i, raw in ipairs(values) do
    if #out == limit or examined == 2000 then
      next = last[2] .. '.' .. last[1]
      more = false
      break
    end
    local member = found[first + 2 * (i - 1)]
    local layout, live = raw and string.byte(raw), false
    if layout == ${LIVE} or layout == ${LIVE_APART} then
      local _, _, survived, _, deadline, silence, seen = struct.unpack('${HEADER}', raw)
      live = survived >= generation and within(deadline, silence, seen)
    end
    if live then
      out[#out + 1] = member .. raw
      local beside = layout == ${LIVE_APART} and redis.call('GET', ARGV[6] .. member)
      if beside then
        apart[#apart + 1] = #out
        apart[#apart + 1] = beside
      end
    else
      dead[#dead + 1] = member
    end
    last = { member, found[first + 2 * i - 1] }
    examined = examined + 1
  end
end
for _, member in ipairs(dead) do redis.call('ZREM', KEYS[1], member) end
return { next, out, apart }
`

/** KEYS subjects or histories. Subjects of that index after a position, each with its score. */
export const SUBJECTS = `
local count, score, after = tonumber(ARGV[2]), ARGV[3], ARGV[4]
trim(KEYS[1], 500)
local out, offset = {}, 0
while #out < 2 * count do
  local found = redis.call('ZRANGE', KEYS[1], score, '+inf', 'BYSCORE', 'LIMIT', offset, 128,
    'WITHSCORES')
  offset = offset + 128
  for i = 1, #found, 2 do
    if found[i + 1] ~= score or follows(found[i], after) then
      out[#out + 1] = found[i]
      out[#out + 1] = found[i + 1]
    end
  end
  if #found < 256 then break end
end
return out
`
