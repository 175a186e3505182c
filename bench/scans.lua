-- For wrk: sends scans in random order and looks at every answer.
--   SCANS  file of one "path<TAB>agent" a line    SCAN_HOST  the brand's host    SCAN_SEED  number
local requests = {}
local threads = {}
answered, wrong = 0, 0

function setup(thread)
  threads[#threads + 1] = thread
end

function init()
  math.randomseed(tonumber(os.getenv("SCAN_SEED")))
  local rest = "\r\nHost: " .. os.getenv("SCAN_HOST")
    .. "\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    .. "\r\nAccept-Language: de-DE,de;q=0.9\r\nAccept-Encoding: gzip, deflate"
    .. "\r\nUser-Agent: "
  for line in io.lines(os.getenv("SCANS")) do
    local path, agent = line:match("^(%S+)\t(.+)$")
    requests[#requests + 1] = "GET " .. path .. " HTTP/1.1" .. rest .. agent .. "\r\n\r\n"
  end
end

function request()
  return requests[math.random(#requests)]
end

function response(status, headers)
  answered = answered + 1
  local location = headers.Location or headers.location
  if status ~= 307 or not location or location:sub(1, 3) ~= "/p/" then
    wrong = wrong + 1
  end
end

function done(summary)
  local seen, bad, errors = 0, 0, summary.errors
  for _, thread in ipairs(threads) do
    seen, bad = seen + thread:get("answered"), bad + thread:get("wrong")
  end
  io.write(string.format(
    '\n{"answered": %d, "wrong": %d, "microseconds": %d, "lost": %d}\n',
    seen, bad, summary.duration, errors.connect + errors.read + errors.write + errors.timeout))
end
