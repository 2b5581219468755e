// Steps that must be atomic, in the language of Redis and Valkey. All keys of a gateway carry one hash tag, so that a
// Cluster keeps them in one slot. Times are the store's own.

const NOW = `local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)`;

/** When this store's memory began; a store that was emptied begins anew. */
const EPOCH = `local epoch = tonumber(redis.call('GET', KEYS[1]) or '0')
if epoch == 0 then epoch = now; redis.call('SET', KEYS[1], string.format('%d', now)) end`;

export const SCRIPTS = {
  /** epoch, instances · id, says, ttl */
  hfBeat: {
    numberOfKeys: 2,
    lua: `${NOW}
${EPOCH}
redis.call('HSET', KEYS[2], ARGV[1], string.format('%d', now) .. ' ' .. ARGV[2])
local all = redis.call('HGETALL', KEYS[2])
local found = {}
for i = 1, #all, 2 do
  local space = string.find(all[i + 1], ' ', 1, true)
  local at = tonumber(string.sub(all[i + 1], 1, space - 1))
  if now - at > tonumber(ARGV[3]) then redis.call('HDEL', KEYS[2], all[i])
  else table.insert(found, all[i]); table.insert(found, string.sub(all[i + 1], space + 1)) end
end
return found`,
  },
  /** epoch, lease, fence · owner, ttl, held */
  hfLease: {
    numberOfKeys: 3,
    lua: `${NOW}
${EPOCH}
local ttl = tonumber(ARGV[2])
local owner = redis.call('GET', KEYS[2])
if owner and owner ~= ARGV[1] then return {0, owner, redis.call('PTTL', KEYS[2])} end
if owner then
  redis.call('PEXPIRE', KEYS[2], ttl)
  return {1, tonumber(redis.call('GET', KEYS[3]) or '0')}
end
if ARGV[3] ~= '1' and now - epoch < ttl then return {0, '', ttl - (now - epoch)} end
local fence = math.max(tonumber(redis.call('GET', KEYS[3]) or '0') + 1, now)
redis.call('SET', KEYS[3], string.format('%d', fence))
redis.call('SET', KEYS[2], ARGV[1], 'PX', ttl)
return {1, fence}`,
  },
  /** lease · owner */
  hfRelease: {
    numberOfKeys: 1,
    lua: `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`,
  },
  /** levels · owner, level, alive… ; the field '' holds what was told */
  hfEscalate: {
    numberOfKeys: 1,
    lua: `local level = tonumber(ARGV[2])
if level < 0 then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], level) end
local alive = {}
for i = 3, #ARGV do alive[ARGV[i]] = true end
local all = redis.call('HGETALL', KEYS[1])
local told = -1
local worst = -1
for i = 1, #all, 2 do
  if all[i] == '' then told = tonumber(all[i + 1])
  elseif alive[all[i]] or all[i] == ARGV[1] then worst = math.max(worst, tonumber(all[i + 1]))
  else redis.call('HDEL', KEYS[1], all[i]) end
end
if worst < 0 then redis.call('DEL', KEYS[1]) else redis.call('HSET', KEYS[1], '', worst); redis.call('PEXPIRE', KEYS[1], 86400000) end
if level < 0 then return (worst < 0 and told >= 0) and 1 or 0 end
return worst > told and 1 or 0`,
  },
} as const;
