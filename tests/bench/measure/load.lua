-- What wrk asks for, and what it makes of the answers.
--
-- Arguments after `--`: the kind of request (get, create or upload), the status that each answer
-- must have, the mean pause of a connection between two requests in milliseconds, a file, and a
-- number. The file has a path on each line (get), or takes the Location of each answer (create),
-- or has the body (upload). The number makes the names of a run differ from those of others.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  local kind, run = args[1], args[5]
  statuses = {}
  locations = {}
  expected = tonumber(args[2])
  pause = tonumber(args[3])
  file = args[4]
  math.randomseed(tonumber(run))
  if kind == "get" then
    local requests = {}
    for path in io.lines(file) do
      table.insert(requests, wrk.format("GET", path))
    end
    local next_one = 0
    request = function()
      next_one = next_one % #requests + 1
      return requests[next_one]
    end
  elseif kind == "create" then
    wrk.headers["Content-Type"] = "application/json"
    local count = 0
    request = function()
      count = count + 1
      local body = string.format('{"name": "bench %s %d", "description": "By wrk", "quantity": %d}', run, count, count)
      return wrk.format("POST", nil, nil, body)
    end
  else
    local source = assert(io.open(file, "rb"))
    wrk.headers["Content-Type"] = "multipart/form-data; boundary=frontier"
    local body = '--frontier\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
      .. "Content-Type: text/plain\r\n\r\n" .. source:read("*a") .. "\r\n--frontier--\r\n"
    source:close()
    local whole = wrk.format("POST", nil, nil, body)
    request = function() return whole end
  end
  if pause > 0 then
    delay = function() return math.floor(0.5 - math.log(1 - math.random()) * pause) end
  end
  keeps_locations = kind == "create"
end

function response(status, headers, body)
  local key = tostring(status)
  statuses[key] = (statuses[key] or 0) + 1
  if keeps_locations and status == expected then
    locations[#locations + 1] = headers["location"]
  end
end

function done(summary, latency, requests)
  local thread = threads[1]
  local counted = {}
  for status, count in pairs(thread:get("statuses")) do
    table.insert(counted, string.format('"%s": %d', status, count))
  end
  if thread:get("keeps_locations") then
    local output = assert(io.open(thread:get("file"), "w"))
    for _, location in ipairs(thread:get("locations")) do
      output:write(location, "\n")
    end
    output:close()
  end
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"seconds": %f, "statuses": {%s}, "p99": %f, "lost": %d}\n',
    summary.duration / 1e6, table.concat(counted, ", "),
    latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.timeout
  ))
end
