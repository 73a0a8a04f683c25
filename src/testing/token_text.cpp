#include "testing/token_text.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <stdexcept>

namespace json = boost::json;

namespace wix::testing::detail {

namespace {

std::string signedText(std::string_view prefix, const TokenIssuerIdentity& issuer, const json::object& payload) {
    json::object header;
    header["kid"] = "PozHX8aa";
    header["alg"] = "HS256";
    std::string text = base64UrlEncode(json::serialize(header)) + "." + base64UrlEncode(json::serialize(payload));
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    if (HMAC(EVP_sha256(), issuer.key.data(), static_cast<int>(issuer.key.size()), bytes, text.size(), digest.data(),
             &size) == nullptr) {
        throw std::runtime_error("OpenSSL cannot sign a token");
    }
    const std::string_view signature(reinterpret_cast<const char*>(digest.data()), size);
    return std::string(prefix) + text + "." + base64UrlEncode(signature);
}

std::int64_t seconds(Time time) { return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count(); }

}  // namespace

TokenIssuerIdentity::TokenIssuerIdentity(GuidSource& guids)
    : key(guids.next()), instanceId(guids.next()), siteId(guids.next()), ownerId(guids.next()) {}

std::string accessTokenText(const TokenIssuerIdentity& issuer, std::string_view clientId, std::string_view visitorId,
                            std::string_view tokenId, Time issued, std::chrono::seconds lifetime) {
    json::object instance;
    instance["instanceId"] = issuer.instanceId;
    instance["appDefId"] = clientId;
    instance["signDate"] = formatTime(issued);
    instance["permissions"] = "";
    instance["demoMode"] = false;
    instance["siteOwnerId"] = issuer.ownerId;
    instance["aid"] = visitorId;
    instance["metaSiteId"] = issuer.siteId;
    instance["expirationDate"] = formatTime(issued + lifetime);
    json::object data;
    data["instance"] = std::move(instance);
    json::object payload;
    payload["data"] = json::serialize(data);  // a string that holds JSON
    payload["jti"] = tokenId;
    payload["iat"] = seconds(issued);
    payload["exp"] = seconds(issued + lifetime);
    return signedText("OauthNG.JWS.", issuer, payload);
}

std::string refreshTokenText(const TokenIssuerIdentity& issuer, std::string_view tokenId, Time issued,
                             std::chrono::seconds lifetime) {
    json::object payload;
    payload["data"] = "\"" + std::string(tokenId) + "\"";
    payload["iat"] = seconds(issued);
    payload["exp"] = seconds(issued + lifetime);
    return signedText("JWS.", issuer, payload);
}

}  // namespace wix::testing::detail
