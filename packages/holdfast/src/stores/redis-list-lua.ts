/** KEYS index generation. Where to read on ('' at the end); tail of the id and record of each, in one; places in that list with their attributes. */
export const LIST = `
local limit, score, after = tonumber(ARGV[2]), ARGV[3], ARGV[4]
local generation = generationOf(KEYS[2])
local out, attached, dead, examined, offset = {}, {}, {}, 0, 0
local more, next, last = true, '', nil
while more do
  local size = math.min(128, limit + 2)
  local places = redis.call('ZRANGE', KEYS[1], score, '+inf', 'BYSCORE', 'LIMIT', offset, size,
    'WITHSCORES')
  offset = offset + size
  more = #places == 2 * size
  local first = 1
  while places[first] and places[first + 1] == score and not follows(places[first], after) do
    first = first + 2
  end
  local names = {}
  for i = first, #places, 2 do
    names[#names + 1] = ARGV[5] .. places[i]
    names[#names + 1] = ARGV[6] .. places[i]
  end
  local values = #names > 0 and redis.call('MGET', unpack(names)) or names
  for i = 1, #values, 2 do
    if #out == limit or examined == 2000 then
      next = last[2] .. '.' .. last[1]
      more = false
      break
    end
    local member, raw = places[first + i - 1], values[i]
    local live = false
    if raw and string.byte(raw) == 1 then
      local _, _, survived, _, deadline, silence, seen = struct.unpack('>BI4I6I6I6I6I6', raw)
      live = deadline > now and survived >= generation and now - seen <= silence
    end
    if live then
      out[#out + 1] = member .. raw
      if values[i + 1] then
        attached[#attached + 1] = #out
        attached[#attached + 1] = values[i + 1]
      end
    else
      dead[#dead + 1] = member
    end
    last = { member, places[first + i] }
    examined = examined + 1
  end
end
for _, member in ipairs(dead) do redis.call('ZREM', KEYS[1], member) end
return { next, out, attached }
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
