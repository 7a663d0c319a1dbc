-- SPDX-License-Identifier: MIT
-- wrk sends the bytes of the file that is its argument, one or more whole requests, as they are; the same every time,
-- so that no Lua runs between them. At the end: `measured REQUESTS MICROSECONDS P99_MICROSECONDS ERRORS`.

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local batch = file:read("*a")
  file:close()
  wrk.format = function() return batch end
end

function done(summary, latency)
  local e = summary.errors
  local errors = e.connect + e.read + e.write + e.status + e.timeout
  print(string.format("measured %d %d %d %d", summary.requests, summary.duration, latency:percentile(99), errors))
end
