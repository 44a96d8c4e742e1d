-- Everything that V-Gate does to one key's limits in Redis, each time as one atomic step.
-- The same as vgate/limits/account.py and window.py do in memory; times are whole microseconds of this Redis' clock.
--
-- KEYS: 1 a hash of sums and counters, 2 the list of requests, 3 the list of tokens, 4 the sorted set of slots.
-- A list holds entries "taken at:amount:begun at", oldest first; the set holds leases by when they expire.
-- ARGV: operation, window, slot's lifetime, then what the operation takes. A limit of -1 is none.

local WINDOW, LIFETIME = tonumber(ARGV[2]), tonumber(ARGV[3])
local EXACT = 256

local function text(number) -- Lua itself would write 1.7e+15
  return string.format('%.0f', number)
end

local function fields(entry)
  local at, amount, begun = string.match(entry, '^(%d+):(%d+):(%d+)$')
  return tonumber(at), tonumber(amount), tonumber(begun)
end

local function entry(at, amount, begun)
  return text(at) .. ':' .. text(amount) .. ':' .. text(begun)
end

local found = redis.call('HMGET', KEYS[1], 'epoch', 'offset', 'last', 'requests', 'tokens', 'next_request', 'next_token')
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local epoch = found[1]
if not epoch then -- all that is there of it would be without its counters
  redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
  epoch = text(clock) .. '-' .. (ARGV[4] or '')
end
-- A clock that is set back stands still for nobody: it goes on from where it was.
local offset, last = tonumber(found[2] or 0), tonumber(found[3] or 0)
local now = clock + offset
local changed = false
if now < last then
  offset = offset + (last - now)
  now = last
  changed = true
end
local requests = { key = KEYS[2], sum = tonumber(found[4] or 0), next = tonumber(found[6] or 0) }
local tokens = { key = KEYS[3], sum = tonumber(found[5] or 0), next = tonumber(found[7] or 0) }

local function forget(window)
  local first = redis.call('LINDEX', window.key, 0)
  while first do
    local at, amount = fields(first)
    if at + WINDOW > now then
      return
    end
    redis.call('LPOP', window.key)
    changed = true
    window.sum = window.sum - amount
    first = redis.call('LINDEX', window.key, 0)
  end
  window.sum = 0
end

local function take(window, amount)
  window.sum = window.sum + amount
  if redis.call('LLEN', window.key) > EXACT then
    local _, had, begun = fields(redis.call('LINDEX', window.key, -1))
    if now - begun < WINDOW / EXACT then
      redis.call('LSET', window.key, -1, entry(now, had + amount, begun))
      return window.next - 1
    end
  end
  redis.call('RPUSH', window.key, entry(now, amount, now))
  window.next = window.next + 1
  return window.next - 1
end

local function give_back(window, number, amount)
  local at = number - window.next
  local kept = redis.call('LINDEX', window.key, at)
  if at >= 0 or not kept then
    return
  end
  local taken, had, begun = fields(kept)
  redis.call('LSET', window.key, at, entry(taken, had - amount, begun))
  window.sum = window.sum - amount
end

local function wait(window, amount, limit)
  local over = window.sum + amount - limit
  if limit < 0 or over <= 0 then
    return 0
  end
  for _, kept in ipairs(redis.call('LRANGE', window.key, 0, -1)) do
    local at, freed = fields(kept)
    over = over - freed
    if over <= 0 then
      return at + WINDOW - now
    end
  end
  return 0
end

local function free_in(window)
  local at, amount = -1, 0
  local kept = redis.call('LINDEX', window.key, at)
  while kept do
    local taken
    taken, amount = fields(kept)
    if amount > 0 then
      return taken + WINDOW - now
    end
    at = at - 1
    kept = redis.call('LINDEX', window.key, at)
  end
  return 0
end

local function note()
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'offset', text(offset), 'last', text(now), 'requests', text(requests.sum),
    'tokens', text(tokens.sum), 'next_request', text(requests.next), 'next_token', text(tokens.next))
end

local function keep()
  note()
  local for_ms = math.ceil(math.max(WINDOW, LIFETIME) / 1000) + 1000
  for _, key in ipairs(KEYS) do
    redis.call('PEXPIRE', key, for_ms)
  end
end

-- ARGV: lease, limits of requests, tokens and slots, tokens wanted, 1 to take or 0 to look.
local function enter()
  local most_requests, most_tokens, most_slots = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
  local wanted, refused, waits, request, token = tonumber(ARGV[8]), '', 0, -1, -1
  forget(requests)
  forget(tokens)
  if most_requests >= 0 and requests.sum >= most_requests then
    refused = 'requests'
  elseif most_tokens >= 0 and tokens.sum + wanted > most_tokens then
    refused = 'tokens'
  elseif most_slots >= 0 then
    redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', text(now))
    refused = redis.call('ZCARD', KEYS[4]) >= most_slots and 'concurrency' or ''
  end
  if ARGV[9] == '1' and refused == '' then
    request = most_requests >= 0 and take(requests, 1) or -1
    token = most_tokens >= 0 and take(tokens, wanted) or -1
    if most_slots >= 0 then
      redis.call('ZADD', KEYS[4], text(now + LIFETIME), ARGV[4])
    end
    keep()
  else
    waits = refused == '' and 0 or math.max(wait(requests, 1, most_requests), wait(tokens, wanted, most_tokens))
    if found[1] and redis.call('PTTL', KEYS[1]) < (last + WINDOW - now) / 1000 then
      keep() -- the window has become longer since the last request
    elseif changed then
      note()
    end
  end
  return { refused, requests.sum, free_in(requests), tokens.sum, free_in(tokens), waits, request, token, epoch }
end

-- ARGV: lease, epoch, token entry, tokens to give back (less than 0: to take beside), request entry or -1.
local function settle()
  redis.call('ZREM', KEYS[4], ARGV[4])
  if ARGV[5] ~= epoch or not found[1] then
    return 0
  end
  local token, back, request = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
  forget(requests)
  forget(tokens)
  if token >= 0 and back > 0 then
    give_back(tokens, token, back)
  elseif token >= 0 and back < 0 then
    take(tokens, -back)
  end
  if request >= 0 then
    give_back(requests, request, 1)
  end
  keep()
  return 1
end

-- ARGV: leases. One that is not there any more stays away: it may have been given back meanwhile.
local function renew()
  if not found[1] then
    return 0
  end
  for at = 4, #ARGV do
    redis.call('ZADD', KEYS[4], 'XX', text(now + LIFETIME), ARGV[at])
  end
  keep()
  return 1
end

return ({ enter = enter, settle = settle, renew = renew })[ARGV[1]]()
