// The whole SDK, but for wix/redis.hpp and wix/testing/.
#ifndef WIX_WIX_HPP
#define WIX_WIX_HPP

#include <wix/body.hpp>
#include <wix/client.hpp>
#include <wix/error.hpp>
#include <wix/json.hpp>
#include <wix/observer.hpp>
#include <wix/offload.hpp>
#include <wix/options.hpp>
#include <wix/request.hpp>
#include <wix/response.hpp>
#include <wix/run.hpp>
#include <wix/session_cookie.hpp>
#include <wix/token_storage.hpp>
#include <wix/tokens.hpp>
#include <wix/transport.hpp>
#include <wix/version.hpp>
#include <wix/visitor_sessions.hpp>

#endif
