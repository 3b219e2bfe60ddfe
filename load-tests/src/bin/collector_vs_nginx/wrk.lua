-- Requests as browsers send them, made before the round; one line for each number at its end.
local codes = { CODES }
local requests = {}
local n = 0

function init(args)
  local headers = {
    ["Host"] = "go.localhost",
    ["User-Agent"] = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ["Accept-Language"] = "en-US,en;q=0.9",
    ["Accept-Encoding"] = "gzip, deflate, br",
    ["Referer"] = "https://blog.example/reviews/ten-best-things",
    ["Connection"] = "CONNECTION",
  }
  for i, code in ipairs(codes) do
    requests[i] = wrk.format("GET", "/c/" .. code .. "?sub1=s" .. (i % 100), headers)
  end
end

function request()
  n = n % #requests + 1
  return requests[n]
end

function done(summary, latency, rates)
  local e = summary.errors
  io.write("requests: ", summary.requests, "\n")
  io.write("errors: ", e.status + e.timeout, "\n")
  io.write("micros: ", summary.duration, "\n")
end
