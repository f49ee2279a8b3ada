-- Sends the bodies of a file, one a line, in turn; prints what came of it as one line of JSON.
local requests, turn = {}, 0

function init(args)
   local headers = { ["Content-Type"] = "application/json" }
   for line in io.lines(args[1]) do
      requests[#requests + 1] = wrk.format("POST", nil, headers, line)
   end
end

function request()
   turn = turn % #requests + 1
   return requests[turn]
end

function done(summary, latency, _)
   local failed = summary.errors
   print(string.format(
      '{"requests": %d, "seconds": %.6f, "p50_ms": %.4f, "p99_ms": %.4f, "refused": %d, "broken": %d}',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      failed.status, failed.connect + failed.read + failed.write + failed.timeout))
end
