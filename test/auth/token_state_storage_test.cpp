// The storage: saved before published before told; what a storage that fails, or that others write to, does.
#include <doctest/doctest.h>

#include "support/token_script.hpp"

using namespace wix;
using namespace wix::test;
using detail::TokenVerdict;

TEST_CASE("a rotated refresh token is saved, then published, then told") {
    TokenScript script = TokenScript::stored();
    script.renew("a");
    CHECK(script.granted("t2", "r2") == "save t2/r2 over 1");
    CHECK(script.published()->generation == 1);
    CHECK(script.waits("a"));
    CHECK(script.saved(2) == "publish #2 t2/r2; a: t2/r2");
}

TEST_CASE("a load that fails starts no visitor, and is tried again at the next use") {
    for (const auto code : {Errc::storage_unavailable, Errc::storage_damaged}) {
        TokenScript script(TokenScript::withStorage());
        const std::string told = code == Errc::storage_damaged ? "storage damaged" : "storage unavailable";
        CHECK(script.get("a") == "load");
        CHECK(script.renew("b") == "");
        CHECK(script.loadFails(code) == "a b: " + told);
        CHECK(script.ahead(0) == "");
        CHECK(script.read("c") == "load");
        CHECK(script.loadFails(code) == "c: " + told);
        CHECK(script.exchanges() == 0);
        CHECK(script.get("d") == "load");
        CHECK(script.loaded(StoredTokens(script.tokens("t1", "r1"), 3)) == "publish #1 t1/r1; d: t1/r1");
    }
}

TEST_CASE("who brings tokens does without a storage that cannot be read; who came before does not") {
    TokenScript script(TokenScript::withStorage());
    CHECK(script.get("before") == "load");
    CHECK(script.adopt("set", script.tokens("tB", "rB")) == "");
    CHECK(script.get("after") == "");
    CHECK(script.loadFails(Errc::storage_damaged) == "before: storage damaged; save tB/rB over 0");
    CHECK(script.saveFails(Errc::storage_damaged) == "publish #1 tB/rB; set: storage damaged; after: tB/rB");
    CHECK(script.exchanges() == 0);
}

TEST_CASE("the one who brings tokens has left: a load that fails starts no visitor all the same") {
    TokenScript script(TokenScript::withStorage());
    script.adopt("set", script.tokens("tB", "rB"));
    script.get("a");
    CHECK(script.cancel("set") == "");
    CHECK(script.loadFails() == "a: storage unavailable");
    CHECK(script.exchanges() == 0);
    CHECK(script.get("b") == "load");
}

TEST_CASE("renewToken(refreshToken) over a storage that cannot be read") {
    TokenScript script(TokenScript::withStorage());
    script.renew("a", RefreshToken("rB", TokenRole::member));
    CHECK(script.loadFails() == "save -/rB over 0");
    CHECK(script.conflict(script.tokens("t9", "r9"), 7) == "save -/rB over 7");
    CHECK(script.saved(8) == "publish #1 -/rB; exchange rB");
}

TEST_CASE("a save that fails: the session goes on in memory, and the record follows") {
    TokenScript script = TokenScript::stored();
    script.renew("a");
    script.granted("t2", "r2");
    CHECK(script.saveFails() == "publish #2 t2/r2; a: t2/r2");  // whoever waits has a token that works
    CHECK(script.get("b") == "b: t2/r2");                       // not before a second has passed
    script.pass(1s);
    CHECK(script.get("c") == "c: t2/r2; save t2/r2 over 1");  // nobody waits for it
    CHECK(script.get("d") == "d: t2/r2");
    CHECK(script.saveFails() == "");
    CHECK(script.get("e") == "e: t2/r2");
    script.pass(1s);
    CHECK(script.get("f") == "f: t2/r2; save t2/r2 over 1");
    CHECK(script.saved(2) == "");
    script.pass(1h);
    CHECK(script.get("g") == "g: t2/r2");
    CHECK(script.renew("h") == "exchange r2");
    CHECK(script.granted("t3") == "save t3/r2 over 2");
}

TEST_CASE("setTokens tells that it could not be saved; the tokens are active") {
    TokenScript script = TokenScript::stored();
    script.adopt("set", script.tokens("tB", "rB"), false);
    script.get("a");
    CHECK(script.saveFails() == "publish #2 tB/rB; set: storage unavailable; a: tB/rB");
    script.adopt("then get", script.tokens("tC", "rC"), true);
    CHECK(script.saveFails() == "publish #3 tC/rC; then get: tC/rC");
}

TEST_CASE("a logout that could not be saved is repeated") {
    TokenScript script = TokenScript::stored();
    CHECK(script.adopt("out", Tokens()) == "erase over 1");
    CHECK(script.saveFails() == "publish #2 -; out: storage unavailable");
    script.pass(1s);
    CHECK(script.read("a") == "a: -; erase over 1");
    CHECK(script.saved(0) == "");
}

TEST_CASE("an exchange may run beside a repeated save; its tokens wait in line") {
    TokenScript script = TokenScript::stored();
    script.renew("a");
    script.granted("t2", "r2");
    script.saveFails();
    script.pass(1s);
    CHECK(script.get("b") == "b: t2/r2; save t2/r2 over 1");
    CHECK(script.renew("c") == "exchange r2");
    CHECK(script.granted("t3", "r3") == "");
    CHECK(script.get("d") == "");
    CHECK(script.saved(2) == "save t3/r3 over 2");
    CHECK(script.saved(3) == "publish #3 t3/r3; c d: t3/r3");
}

TEST_CASE("setTokens behind a repeated save: nobody gets the old session any more, and it is not renewed") {
    for (const auto life : {4h, -1h}) {
        TokenScript script = TokenScript::stored();
        script.renew("a");
        script.granted("t2", "r2", life == 4h ? 4h : 1h);
        script.saveFails();
        script.pass(life == 4h ? 1s : 2h);
        script.read("starts the save");
        CHECK(script.adopt("set", script.tokens("tB", "rB")) == "");
        CHECK(script.get("b") == "");
        CHECK(script.read("c") == "");
        CHECK(script.exchanges() == 1);
        CHECK(script.saved(2) == "save tB/rB over 2");
        CHECK(script.saved(3) == "publish #3 tB/rB; set: tB/rB; b c: tB/rB");
        CHECK(script.exchanges() == 1);
    }
}

TEST_CASE("rejected beside a repeated save: the storage is asked when it is free") {
    TokenScript script = TokenScript::stored(TokenRole::visitor, SessionLostPolicy::fail);
    script.renew("a");
    script.granted("t2", "r2");
    script.saveFails();
    script.pass(1s);
    script.read("starts the save");
    CHECK(script.renew("b") == "exchange r2");
    CHECK(script.fails(TokenVerdict::rejected) == "");
    CHECK(script.saveFails() == "load");
    CHECK(script.loaded(StoredTokens(script.tokens("t1", "r1"), 1)) == "b: session lost");
}

TEST_CASE("a sibling was faster: its tokens go on") {
    TokenScript script = TokenScript::stored();
    script.pass(4h);
    script.get("a");
    script.granted("t2", "");
    CHECK(script.conflict(script.tokens("t3", "r3"), 5) == "publish #2 t3/r3; a: t3/r3");
    CHECK(script.renew("b") == "exchange r3");
    CHECK(script.granted("t4") == "save t4/r3 over 5");
}

TEST_CASE("a sibling has started the visitor: its visitor, not ours") {
    TokenScript script(TokenScript::withStorage());
    script.get("a");
    script.loadedNothing();
    CHECK(script.granted("t1", "r1") == "save t1/r1 over 0");
    CHECK(script.conflict(script.tokens("t9", "r9"), 1) == "publish #1 t9/r9; a: t9/r9");
}

TEST_CASE("a sibling was faster, and its token is over: renewed once more") {
    TokenScript script = TokenScript::stored();
    script.renew("a");
    script.granted("t2", "r2");
    CHECK(script.conflict(script.tokens("t3", "r3", -1h), 5) == "publish #2 t3/r3; exchange r3");
    CHECK(script.granted("t4") == "save t4/r3 over 5");
    CHECK(script.saved(6) == "publish #3 t4/r3; a: t4/r3");
}

TEST_CASE("a sibling was faster while somebody set tokens of this session: nobody is forgotten") {
    TokenScript script = TokenScript::stored();
    script.renew("a");
    script.granted("t2", "r2");
    CHECK(script.adopt("same", script.tokens("t1", "r1", 1h)) == "");
    CHECK(script.conflict(script.tokens("t3", "r3"), 5) == "publish #2 t3/r3; same: t3/r3; a: t3/r3");
}

TEST_CASE("a conflict with what is ours, or older, or gone: over it") {
    for (const std::string there : {"r1", "r2", "r3", ""}) {  // rotated away, active, about to be, gone
        TokenScript script = TokenScript::stored();
        script.renew("a");
        script.granted("t2", "r2");
        script.saved(2);
        script.renew("b");
        CHECK(script.granted("t3", "r3") == "save t3/r3 over 2");
        const Tokens record = there.empty() ? Tokens() : script.tokens("tX", there, 3h);
        const std::uint64_t version = there.empty() ? 0 : 9;
        CHECK(script.conflict(record, version) == "save t3/r3 over " + std::to_string(version));
        CHECK(script.saved(10) == "publish #3 t3/r3; b: t3/r3");
    }
}

TEST_CASE("a conflict with a save of ours that came late: the token that the API has refused does not come back") {
    TokenScript script = TokenScript::stored();
    script.renew("a");
    script.granted("t2");
    CHECK(script.saveFails() == "publish #2 t2/r1; a: t2/r1");
    CHECK(script.unauthorized("b", 2) == "exchange r1");
    CHECK(script.granted("t3") == "save t3/r1 over 1");
    CHECK(script.conflict(script.tokens("t2", "r1", 9h), 2) == "save t3/r1 over 2");
    CHECK(script.saved(3) == "publish #3 t3/r1; b: t3/r1");
}

TEST_CASE("what a caller set wins over what others stored") {
    TokenScript script = TokenScript::stored();
    script.adopt("set", script.tokens("tB", "rB"));
    CHECK(script.conflict(script.tokens("t9", "r9"), 5) == "save tB/rB over 5");
    CHECK(script.saved(6) == "publish #2 tB/rB; set: tB/rB");
}

TEST_CASE("a conflict, and others wait in line: the last of them") {
    TokenScript script = TokenScript::stored();
    script.renew("a");
    script.granted("t2", "r2");
    script.adopt("set", script.tokens("tB", "rB"));
    CHECK(script.conflict(script.tokens("t9", "r9"), 5) == "save tB/rB over 5");
    CHECK(script.saved(6) == "publish #2 tB/rB; set: tB/rB; a: tB/rB");
}

TEST_CASE("a record that changes all the time: after a few conflicts the session goes on in memory") {
    TokenScript script = TokenScript::stored();
    CHECK(script.adopt("set", script.tokens("tB", "rB")) == "save tB/rB over 1");
    for (std::uint64_t version = 5; version < 8; ++version)
        CHECK(script.conflict(script.tokens("t9", "r9"), version) == "save tB/rB over " + std::to_string(version));
    CHECK(script.conflict(script.tokens("t9", "r9"), 8) == "publish #2 tB/rB; set: storage unavailable");
    script.pass(1s);
    CHECK(script.get("a") == "a: tB/rB; save tB/rB over 8");
    CHECK(script.saved(9) == "");
}

TEST_CASE("a repeated save meets a sibling's session: that goes on, unless a caller set ours") {
    for (const bool set : {false, true}) {
        TokenScript script = TokenScript::stored();
        if (set)
            script.adopt("a", script.tokens("t2", "r2"));
        else
            script.renew("a"), script.granted("t2", "r2");
        script.saveFails();
        script.pass(1s);
        CHECK(script.get("b") == "b: t2/r2; save t2/r2 over 1");
        if (set) {
            CHECK(script.conflict(script.tokens("t9", "r9"), 5) == "");
            script.pass(1s);
            CHECK(script.get("c") == "c: t2/r2; save t2/r2 over 5");
        } else {
            CHECK(script.renew("in flight") == "exchange r2");
            CHECK(script.conflict(script.tokens("t9", "r9"), 5) == "publish #3 t9/r9; in flight: t9/r9");
            CHECK(script.granted("t3", "r3") == "");  // of the session that has ended here
            CHECK(script.get("c") == "c: t9/r9");
        }
    }
}

TEST_CASE("a repeated save meets the record that it had written after all") {
    TokenScript script = TokenScript::stored();
    script.renew("a");
    script.granted("t2", "r2");
    script.saveFails();
    script.pass(1s);
    script.get("b");
    CHECK(script.conflict(script.tokens("t2", "r2"), 2) == "");
    script.pass(1s);
    CHECK(script.get("c") == "c: t2/r2; save t2/r2 over 2");
    CHECK(script.saved(3) == "");
}

TEST_CASE("whoever leaves while the storage is busy, the others see the same") {
    cancelAnyWaiter([] { return TokenScript(TokenScript::withStorage()); }, {"a", "b", "c", "d"},
                    [](TokenScript& script) {
                        script.get("stays");
                        script.get("a");
                        script.read("b");
                        script.loadedNothing();
                        script.granted("t1", "r1");
                        script.get("c");
                        script.saveFails();
                        script.pass(1s);
                        script.renew("stays, too");
                        script.renew("d");
                        script.granted("t2", "r2");
                        script.saved(1);
                        script.saved(2);
                    });
}
