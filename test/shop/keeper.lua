-- For wrk: each thread is a visitor who keeps the cookie, fills a cart once and looks around.
local cookie, token
local paths = { "/", "/cart", "/events", "/product/a0000000-0000-4000-8000-000000000001", "/event/pottery-workshop" }
local count = 0

function request()
    count = count + 1
    local headers = {}
    if cookie then headers["Cookie"] = cookie end
    if token and count % 20 == 0 then
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        local product = "a0000000-0000-4000-8000-00000000000" .. (1 + count / 20 % 3)
        return wrk.format("POST", "/cart/add", headers, "csrf=" .. token .. "&quantity=1&product=" .. product:gsub("%.0$", ""))
    end
    return wrk.format("GET", paths[1 + count % #paths], headers)
end

function response(status, headers, body)
    if not cookie then
        for name, value in pairs(headers) do
            if name:lower() == "set-cookie" then cookie = value:match("^[^;]*") end
        end
    end
    -- The token is for the session of this cookie: the page of a newcomer has another one.
    if cookie and not token and count > 200 then token = body:match('name="csrf" value="([^"]*)"') end
end

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format("requests %d status %d connect %d read %d write %d timeout %d p99_ms %.1f\n", summary.requests,
        errors.status, errors.connect, errors.read, errors.write, errors.timeout, latency:percentile(99) / 1000))
end
