-- Asks Holdfast before a request goes on; HAProxy 2.5 or newer, with nothing but what it brings.

local URL = "http://127.0.0.1:4602/v1/gate/forward-auth"
local KEY = os.getenv("HOLDFAST_KEY") or ""
-- HAProxy 2.x tries four times: a second in all.
local TIMEOUT_MS = 250
-- From asking to the head of the answer. A late answer leaves without the session's cookie: the
-- browser may have a newer one by then.
local DELIVERY_MS = 10000

-- What Holdfast looks at. X-Forwarded-* are written below and never handed on.
local PASSED = {
  "authorization", "cookie", "dpop", "origin", "referer", "x-request-id", "traceparent",
  "user-agent", "accept", "accept-language",
  "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform", "sec-ch-ua-platform-version",
  "sec-ch-ua-model", "sec-ch-ua-full-version-list",
  "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-websocket-key",
  "sec-purpose", "sec-websocket-version", "holdfast-on-behalf",
}
local ANSWERED = { "www-authenticate", "location", "retry-after", "content-type", "set-cookie" }

local function lines(header)
  local all, at = {}, 0
  while header and header[at] ~= nil do
    all[#all + 1] = header[at]
    at = at + 1
  end
  return all
end

local function now_ms()
  local now = core.now()
  return now.sec * 1000 + now.usec // 1000
end

local function unavailable(txn)
  local reply = txn:reply()
  reply:set_status(503)
  reply:add_header("retry-after", "1")
  reply:add_header("cache-control", "no-store")
  reply:add_header("content-type", "application/problem+json")
  reply:set_body('{"status":503,"code":"store_unavailable"}')
  txn:done(reply)
end

core.register_action("holdfast", { "http-req" }, function(txn)
  local headers, asked = txn.http:req_get_headers(), {}
  for _, name in ipairs(PASSED) do
    local all = lines(headers[name])
    if #all > 0 then asked[name] = name == "cookie" and { table.concat(all, "; ") } or all end
  end
  asked["holdfast-key"] = { KEY }
  asked["x-forwarded-method"] = { txn.sf:method() }
  asked["x-forwarded-uri"] = { txn.sf:pathq() }
  asked["x-forwarded-host"] = { txn.sf:req_hdr("host") }
  asked["x-forwarded-proto"] = { txn.sf:ssl_fc() == 1 and "https" or "http" }
  asked["x-forwarded-for"] = { txn.sf:src() }

  txn:set_var("txn.holdfast_asked", now_ms())
  local url = URL .. "?" .. (txn:get_var("txn.holdfast_options") or "")
  local answer = core.httpclient():get({ url = url, headers = asked, timeout = TIMEOUT_MS })
  local status = answer and answer.status or 0
  if status == 200 then
    txn:set_var("txn.holdfast_authorization", lines(answer.headers["authorization"])[1] or "")
    local cookie = lines(answer.headers["set-cookie"])[1]
    if cookie then txn:set_var("txn.holdfast_cookie", cookie) end
    return
  end
  -- The gateway's own mistake, not the user's: nobody is logged out by it.
  local code = lines(answer and answer.headers["holdfast-code"])[1]
  if status < 300 or status >= 500 or code == "caller_unauthenticated" then
    return unavailable(txn)
  end

  local reply = txn:reply()
  reply:set_status(status)
  for _, name in ipairs(ANSWERED) do
    for _, line in ipairs(lines(answer.headers[name])) do reply:add_header(name, line) end
  end
  reply:add_header("cache-control", "no-store")
  if answer.body then reply:set_body(answer.body) end
  txn:done(reply)
end, 0)

-- A page that goes out with a secret belongs to nobody else's cache.
core.register_action("holdfast_cookie", { "http-res" }, function(txn)
  local cookie = txn:get_var("txn.holdfast_cookie")
  if cookie == nil then return end
  local took = now_ms() - txn:get_var("txn.holdfast_asked")
  if took < 0 or took > DELIVERY_MS then return end
  txn.http:res_add_header("set-cookie", cookie)
  txn.http:res_set_header("cache-control", "private, no-store")
end, 0)
