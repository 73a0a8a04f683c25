// The machine is suspended in the middle of a renewal: what was granted before is over, and another process may have it.
#include "auth/claim_script.hpp"

using namespace wix;
using namespace wix::test;
using detail::TokenVerdict;

namespace {

/// The record that the script has begun with, as it is read by then.
StoredTokens unchanged(const Expired& script) { return record(script, "t1", "r1", 1, 0s); }

}  // namespace

TEST_CASE("a lease that was granted before a suspend is requested again, and the record is read again [C3]") {
    SUBCASE("suspended while the lease is requested") {
        Expired script;
        CHECK(script.get("a") == "lease");
        script.pass(4h);
        CHECK(script.leased() == "load");
        CHECK(script.loaded(unchanged(script)) == "lease");
        CHECK(script.leased() == "load");
        CHECK(script.loaded(unchanged(script)) == "exchange r1");
    }
    SUBCASE("suspended while the record is read, and another process renews meanwhile") {
        Expired script;
        CHECK(script.get("a") == "lease");
        CHECK(script.leased() == "load");
        script.pass(4h);
        CHECK(script.loaded(unchanged(script)) == "lease");
        CHECK(script.leased(false) == "load");
        CHECK(script.loaded(record(script, "t2", "r2", 2)) == "publish #2 t2/r2; a: t2/r2");
        CHECK(script.exchanges() == 0);
    }
    SUBCASE("the record is read as it was, and then not at all") {
        Expired script;
        script.get("a");
        script.leased();
        script.pass(4h);
        CHECK(script.loadFails() == "lease");
        script.leaseFails();
        CHECK(script.loadFails() == "exchange r1");  // a storage that does not work
    }
    SUBCASE("in the background") {
        TokenScript script = TokenScript::stored();
        script.showsClaims = true;
        script.pass(4h - 100s);
        CHECK(script.ahead(1) == "lease behind");
        script.leased();
        script.pass(50s);
        CHECK(script.loaded(record(script, "t1", "r1", 1, 50s)) == "lease behind");
    }
}

TEST_CASE("a storage that takes its time is no suspend: the exchange begins") {
    Expired script;
    script.get("a");
    script.pass(detail::TokenPolicy().leaseStart / 2);
    script.leased();
    script.pass(detail::TokenPolicy().leaseStart / 2);
    CHECK(script.loaded(unchanged(script)) == "exchange r1");
}

TEST_CASE("an exchange that follows a rejection has a lease that lasts as long as it does [C3]") {
    Expired script;
    script.get("a");
    script.leased();
    script.loaded(unchanged(script));
    SUBCASE("the rejection came at once") {
        CHECK(script.fails(TokenVerdict::rejected) == "load");
        CHECK(script.loaded(unchanged(script)) == "exchange anonymous");
    }
    SUBCASE("the rejection took its time, and another process has the lease") {
        script.pass(15s);
        CHECK(script.fails(TokenVerdict::rejected) == "load");
        CHECK(script.loaded(unchanged(script)) == "lease");
        CHECK(script.leased(false) == "load");
        CHECK(script.loaded(record(script, "t9", "r9", 2)) == "publish #2 t9/r9; a: t9/r9");
        CHECK(script.exchanges() == 1);
    }
}

TEST_CASE("a lost response is not asked for again after a suspend: another process may have renewed [C3]") {
    Expired script;
    script.get("a");
    script.leased();
    CHECK(script.loaded(unchanged(script)) == "exchange r1");
    SUBCASE("suspended") {
        script.pass(4h);
        CHECK(script.fails(TokenVerdict::lost) == "a: unavailable");
        script.pass(2s);
        CHECK(script.get("b") == "lease");  // it reads the record before it asks once more
    }
    SUBCASE("not suspended") {
        script.pass(15s);
        CHECK(script.fails(TokenVerdict::lost) == "exchange r1");
    }
}

TEST_CASE("a lost response is asked for again after a suspend if the session has no storage") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.pass(4h);
    CHECK(script.get("a") == "exchange r1");
    script.pass(4h);
    CHECK(script.fails(TokenVerdict::lost) == "exchange r1");
}

TEST_CASE("the time of a suspend does not count as time that another process has held the lease [C3]") {
    Expired script;
    script.get("a");
    SUBCASE("before the first refusal") {
        script.pass(8h);
        script.leased(false);
        CHECK(script.loaded(unchanged(script)) == "pause 37 ms");
    }
    SUBCASE("between two refusals") {
        script.leased(false);
        CHECK(script.loaded(unchanged(script)) == "pause 37 ms");
        script.pass(8h);
        CHECK(script.paused() == "lease");
        script.leased(false);
        CHECK(script.loaded(unchanged(script)) == "pause 75 ms");
    }
    CHECK(script.exchanges() == 0);
}

TEST_CASE("a renewal in the background does not wait for the lease, although a caller has come meanwhile") {
    TokenScript script = TokenScript::stored();
    script.showsClaims = true;
    script.pass(4h - 100s);
    CHECK(script.ahead(1) == "lease behind");
    CHECK(script.get("a") == "");
    CHECK(script.leased(false) == "load");
    CHECK(script.loaded(record(script, "t1", "r1", 1, 100s)) == "a: t1/r1");
    CHECK_FALSE(script.state.isRenewing());  // no timer, and no work
}
