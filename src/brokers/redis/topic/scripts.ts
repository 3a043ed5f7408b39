/**
 * The scripts that run in Redis. Each is one atomic step of one topic, whose keys share a slot:
 *
 * | key | type | holds |
 * |---|---|---|
 * | `meta` | hash | `epoch` (a number that grows, a dot, a random name), `birth`, `offset` (the newest), `floor`, `bytes` (of the stream) |
 * | `log` | stream | `OFFSET-0`: `s` the time in µs; `k` the key; `d` the data as JSON, empty for a removal |
 * | `state` | hash | by key of a keyed topic: `OFFSET TIME JSON` |
 * | `order` | sorted set | the keys by their newest offset |
 * | `gone` | sorted set | the removed ones among them |
 * | `leases` | sorted set | the keys by the expiry of their leases, in ms |
 *
 * A log topic's stream is its log. A keyed topic's stream holds only its last events, for nodes that
 * follow it; a node that is further behind reads all of `state` again.
 *
 * A topic that was never appended to has none of these keys. Its epoch is derived from the name of
 * the installation, which `installation` returns, so every node gets the same one.
 */
export const scriptNames = ["append", "read", "lease", "installation"] as const;

export type ScriptName = (typeof scriptNames)[number];

/** The cost of an event in a stream besides its JSON, in bytes, as in the node's own log. */
const EVENT_OVERHEAD_BYTES = 128;
/**
 * How many events a keyed topic's stream keeps for followers, independent of its retention, which
 * is about removals.
 */
const TAIL_EVENTS = 10_000;
const TAIL_BYTES = 4 * 1024 * 1024;
const TAIL_MS = 300_000;
/** How long an empty topic keeps its last event after it was used. */
const FORGET_MS = 86_400_000;
/**
 * How often the epoch of nonexistent topics changes. A forgotten topic looks like one that never
 * existed, and must not get its old epoch again.
 */
const FIRST_EPOCH_MS = 15 * 86_400_000;
/**
 * How long the epoch and offset of an empty topic are remembered: the epoch of a topic that never
 * existed is accepted for two of the periods above, and clocks differ.
 */
const REMEMBER_MS = 2 * FIRST_EPOCH_MS + 86_400_000;
/** How long a repeated append is recognized. */
const WINDOW_MS = 300_000;

/**
 * Keys 1 to 7; the last one never exists. Arguments: 1 a name for a new epoch, should one be
 * needed; 2 the kind; 3 to 5 the retention; 6 the channel; 7 to 9 what the node has seen: the
 * epoch, the newest offset, and when that was appended; 10 the name of the installation, empty if
 * it is unknown: then reading creates `meta`, too.
 */
const prelude = `
local meta, log, state, order, gone, leases = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local keyed = ARGV[2] == 'keyed'
local max_events, max_bytes, max_age = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local stamp = string.format('%s%06d', time[1], tonumber(time[2]))
local changed = false

local installation = ARGV[10]
local head = redis.call('HMGET', meta, 'epoch', 'birth', 'offset', 'floor', 'bytes', 'idle')
local epoch, birth = head[1], head[2]
local offset = tonumber(head[3]) or 0
local floor, bytes = tonumber(head[4]) or 0, tonumber(head[5]) or 0

local function text(number) return string.format('%.0f', number) end
local function ms(when) return math.floor(tonumber(when) / 1000) end

-- An epoch is its number among those of the topic, a dot, and what no other epoch has.
local function number_of(name) return tonumber(string.match(name or '', '^(%d+)%.')) or 0 end
local function new_epoch()
  return text(math.max(number_of(ARGV[7]), number_of(epoch)) + 1) .. '.' .. ARGV[1]
end

-- What the node has seen is not what is here: the engine came back with less.
local function has_lost()
  -- So much less that even the epoch is an older one: it must not be anybody's position again.
  if number_of(ARGV[7]) > number_of(epoch) then return true end
  local seen = tonumber(ARGV[8])
  if ARGV[7] ~= epoch or seen == 0 then return false end
  if seen > offset then return true end
  if ARGV[9] == '' then return false end
  local entry = redis.call('XRANGE', log, text(seen), text(seen))[1]
  return entry ~= nil and entry[2][2] ~= ARGV[9]
end

-- The epoch of a nonexistent topic: the one that the node already has, if that is still valid.
local function first_epoch()
  local period = math.floor(now / ${FIRST_EPOCH_MS})
  local function named(number) return '1.' .. installation .. '.' .. text(number) end
  for _, near in ipairs({ period - 1, period + 1 }) do
    if ARGV[7] == named(near) then return ARGV[7] end
  end
  return named(period)
end

-- What the node has seen was of a log, and that is gone.
local function has_seen_log()
  if ARGV[7] == '' then return false end
  return tonumber(ARGV[8]) > 0 or not string.match(ARGV[7], '^1%..+%.%d+$')
end

local is_made = epoch ~= false
local function make(name)
  is_made = true
  epoch, birth, offset, floor, bytes = name, ARGV[1], 0, 0, 0
  -- First what an engine without memory refuses: then nothing is done.
  redis.call('HSET', meta, 'epoch', epoch, 'birth', birth)
  redis.call('DEL', log, state, order, gone, leases)
  changed = true
end

if not is_made then
  if installation == '' or has_seen_log() then make(new_epoch())
  else epoch = first_epoch() end
elseif has_lost() then
  epoch = new_epoch()
  redis.call('HSET', meta, 'epoch', epoch)
  changed = true
end

-- Only its place is remembered of a topic that has held nothing for long.
local is_idle = head[6] == '1'
if is_idle and offset > floor and redis.call('EXISTS', log) == 0 then
  floor, bytes = offset, 0
end

local function size_of(fields)
  local size = ${EVENT_OVERHEAD_BYTES}
  for at = 4, #fields, 2 do size = size + #fields[at] end
  return size
end

local function is_old(when) return now - ms(when) > max_age end

-- Lets the oldest entries of the stream go, some at a time; returns the last one's offset. The
-- newest stays, however long: who follows from another node has to read it.
local function trim(most_events, most_bytes, most_ms)
  local last
  local count = redis.call('XLEN', log)
  local batch = 2
  for _ = 1, 8 do
    local dropped = 0
    local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', batch)
    for _, entry in ipairs(oldest) do
      local fields = entry[2]
      local fits = count == 1 or (count <= most_events and bytes <= most_bytes)
      if fits and now - ms(fields[2]) <= most_ms then break end
      count = count - 1
      bytes = bytes - size_of(fields)
      last = tonumber(string.match(entry[1], '^%d+'))
      dropped = dropped + 1
    end
    if dropped > 0 then redis.call('XTRIM', log, 'MINID', text(last + 1)) end
    if dropped < batch then break end
    batch = batch * 2
  end
  return last
end

local function forget_removed()
  local excess = redis.call('ZCARD', gone) - max_events
  for _ = 1, 100 do
    local oldest = redis.call('ZRANGE', gone, 0, 0, 'WITHSCORES')
    if #oldest == 0 then return end
    local key = oldest[1]
    local record = redis.call('HGET', state, key)
    if excess <= 0 and record and not is_old(string.match(record, '^%d+ (%d+)')) then return end
    excess = excess - 1
    redis.call('HDEL', state, key)
    redis.call('ZREM', order, key)
    redis.call('ZREM', gone, key)
    floor = math.max(floor, tonumber(oldest[2]))
  end
end

local function retain()
  if not is_made then return end
  if keyed then
    trim(${TAIL_EVENTS}, ${TAIL_BYTES}, ${TAIL_MS})
    forget_removed()
  else
    floor = math.max(floor, trim(max_events, max_bytes, max_age) or 0)
  end
end

-- An empty json removes the key.
local function store(key, json)
  offset = offset + 1
  changed = true
  local id = text(offset)
  local fields = { 's', stamp, 'd', json }
  if keyed then
    fields = { 's', stamp, 'k', key, 'd', json }
    redis.call('HSET', state, key, id .. ' ' .. stamp .. ' ' .. json)
    redis.call('ZADD', order, id, key)
    redis.call('ZREM', leases, key)
    if json == '' then redis.call('ZADD', gone, id, key) else redis.call('ZREM', gone, key) end
  end
  redis.call('XADD', log, id .. '-0', unpack(fields))
  bytes = bytes + size_of(fields)
end

local function newest(key)
  local record = redis.call('HGET', state, key)
  if not record then return 0, true end
  return tonumber(string.match(record, '^%d+')), string.match(record, '^%d+ %d+ .') == nil
end

-- Removes the keys whose leases have run out.
local function expire()
  if not keyed or not is_made then return end
  for _, key in ipairs(redis.call('ZRANGE', leases, '-inf', now, 'BYSCORE', 'LIMIT', 0, 100)) do
    local _, removed = newest(key)
    if removed then redis.call('ZREM', leases, key) else store(key, '') end
  end
end

local function next_expiry()
  if not keyed or not is_made then return -1 end
  local first = redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')
  if #first == 0 then return -1 end
  return math.max(0, tonumber(first[2]) - now)
end

-- Writes down what has changed, and wakes those who follow.
local function finish(outcome, ...)
  if changed then
    redis.call('HSET', meta, 'offset', text(offset), 'floor', text(floor), 'bytes', text(bytes))
    if is_idle then
      for _, key in ipairs({ meta, log, state, order, gone, leases }) do
        redis.call('PERSIST', key)
      end
      redis.call('HDEL', meta, 'idle')
    end
    redis.call('SPUBLISH', ARGV[6], epoch .. ' ' .. text(offset))
  end
  return { outcome, epoch, offset, floor, next_expiry(), now, ... }
end

-- A node that would append to another log has to read this one first.
local function is_other() return ARGV[7] ~= '' and ARGV[7] ~= epoch end
`;

/** Key 8: the idempotency key; 11: the key, 12: the JSON, 13: `ifNewest`, 14: the lease. */
const append = `${prelude}
local repeatable = KEYS[8]
if is_other() then return finish('epoch') end
if repeatable and is_made then
  local first = redis.call('GET', repeatable)
  local number = first and string.match(first, '^' .. string.gsub(birth, '%-', '%%-') .. ' (%d+)$')
  if number then return finish('duplicate', tonumber(number)) end
end
expire()
local key, json, if_newest, lease = ARGV[11], ARGV[12], ARGV[13], ARGV[14]
if if_newest ~= '' and newest(key) ~= tonumber(if_newest) then return finish('conflict') end
if not is_made then make(epoch) end
store(key, json)
if keyed and lease ~= '' then redis.call('ZADD', leases, now + tonumber(lease), key) end
if repeatable then
  redis.call('SET', repeatable, birth .. ' ' .. text(offset), 'PX', ${WINDOW_MS})
end
local mine = offset
retain()
return finish('appended', mine, stamp)
`;

/**
 * 11: the offset to read after; 12: `state` for what is retained (for a keyed topic, the newest of
 * each key), or `steps` for every event; 13: the most events; 14: the most bytes.
 *
 * Also does the maintenance that is due.
 */
const read = `${prelude}
expire()
local floor_before, bytes_before = floor, bytes
retain()
if floor ~= floor_before or bytes ~= bytes_before then
  redis.call('HSET', meta, 'offset', text(offset), 'floor', text(floor), 'bytes', text(bytes))
end
-- Without memory it is read all the same.
if is_made and not changed and (not keyed or redis.call('ZCARD', order) == redis.call('ZCARD', gone)) then
  redis.pcall('HSET', meta, 'idle', '1')
  for _, name in ipairs({ log, state, order, gone, leases }) do
    redis.call('PEXPIRE', name, max_age + ${FORGET_MS})
  end
  redis.call('PEXPIRE', meta, max_age + ${REMEMBER_MS})
end
local after, most, most_bytes = tonumber(ARGV[11]), tonumber(ARGV[13]), tonumber(ARGV[14])
local told = {}
local size = 0
local count = 0
local more = 0
local function tell(number, when, key, json)
  for _, field in ipairs({ number, when, key, json }) do told[#told + 1] = field end
  size = size + #json + #key
  count = count + 1
  if count < most and size < most_bytes then return false end
  more = tonumber(number) < offset and 1 or 0
  return true
end
local function from_log()
  local from = '(' .. text(after)
  while true do
    local entries = redis.call('XRANGE', log, from, '+', 'COUNT', 50)
    for _, entry in ipairs(entries) do
      local fields = entry[2]
      local number = string.match(entry[1], '^%d+')
      if tell(number, fields[2], keyed and fields[4] or '', fields[#fields]) then return end
    end
    if #entries < 50 then return end
    from = '(' .. entries[#entries][1]
  end
end
local function from_state()
  local from = after
  while true do
    local keys = redis.call('ZRANGE', order, '(' .. text(from), '+inf', 'BYSCORE', 'LIMIT', 0, 50)
    for _, key in ipairs(keys) do
      local number, when, json = string.match(redis.call('HGET', state, key), '^(%d+) (%d+) (.*)$')
      from = tonumber(number)
      if tell(number, when, key, json) then return end
    end
    if #keys < 50 then return end
  end
end
local function has_all()
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  return first and tonumber(string.match(first[1], '^%d+')) <= after + 1
end
local missed = 0
if after < offset and not is_other() then
  local is_all = ARGV[12] == 'state'
  if is_all and after < floor or not is_all and not has_all() then missed = 1 end
  if keyed and is_all then from_state()
  -- After a miss, the newest of each key would come with offsets at which the view was different.
  elseif is_all or missed == 0 then from_log() end
end
return finish(is_other() and 'epoch' or 'read', missed, more, unpack(told))
`;

/** 11: the duration, then keys with the offsets at which they were set. */
const lease = `${prelude}
expire()
if not is_other() then
  for at = 12, #ARGV, 2 do
    local number, removed = newest(ARGV[at])
    if not removed and number == tonumber(ARGV[at + 1]) then
      redis.call('ZADD', leases, now + tonumber(ARGV[11]), ARGV[at])
    end
  end
end
return finish(is_other() and 'epoch' or 'leased')
`;

/** Key 1: the name's key. 1: the name to store if there is none. */
const installation = `
local name = redis.call('GET', KEYS[1])
if not name then
  name = ARGV[1]
  redis.call('SET', KEYS[1], name)
end
return { name }
`;

export const scripts: Record<ScriptName, string> = { append, read, lease, installation };
