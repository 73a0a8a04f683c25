#include "storage/lease_note.hpp"

#include <doctest/doctest.h>

#include <string>

#include "storage/record_version.hpp"
#include "storage/session_name.hpp"

using namespace wix::detail;
using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

const std::string here = "11111111-2222-3333-4444-555555555555";
const std::string elsewhere = "99999999-2222-3333-4444-555555555555";

LeaseMoment at(std::int64_t boot, std::int64_t wall, const std::string& machine = here) {
    return LeaseMoment(machine, milliseconds(boot), milliseconds(wall));
}

}  // namespace

TEST_CASE("a note says until when, on both clocks") {
    const std::string note = writeLeaseNote(at(1'000, 5'000'000), milliseconds(30'000));
    CHECK(note == here + " 0000000000031000 0000000005030000\n");
    CHECK(note.size() == leaseNoteSize);
    CHECK(writeLeaseNote(at(1'000, 5'000'000), milliseconds::max()).size() == leaseNoteSize);
    CHECK(writeLeaseNote(at(1'000, 5'000'000), milliseconds::min()) == here + " 0000000000001000 0000000005000000\n");
}

TEST_CASE("on one machine the boot clock ends a lease, on others the wall clock") {
    const std::string note = writeLeaseNote(at(1'000, 5'000'000), milliseconds(30'000));
    CHECK(!leaseIsOver(note, at(1'000, 5'000'000)));
    CHECK(!leaseIsOver(note, at(30'999, 9'000'000)));  // the wall clock was set
    CHECK(leaseIsOver(note, at(31'000, 5'000'000)));
    CHECK(!leaseIsOver(note, at(99'000, 5'029'999, elsewhere)));
    CHECK(leaseIsOver(note, at(1'000, 5'030'000, elsewhere)));
    // Without a boot id it may be any machine.
    const std::string unknown(36, '-');
    const std::string nowhere = writeLeaseNote(at(1'000, 5'000'000, unknown), milliseconds(30'000));
    CHECK(!leaseIsOver(nowhere, at(99'000, 5'029'999, unknown)));
    CHECK(leaseIsOver(nowhere, at(1'000, 5'030'000, unknown)));
}

TEST_CASE("no lease is longer than a day, also if a clock was set back") {
    const std::string note = writeLeaseNote(at(0, 0), hours(999));
    const std::int64_t day = milliseconds(hours(24)).count();
    CHECK(!leaseIsOver(note, at(day - 1, 0)));
    CHECK(leaseIsOver(note, at(day, 0)));
    const std::string foreign = writeLeaseNote(at(0, 2 * day), milliseconds(1'000));
    CHECK(leaseIsOver(foreign, at(0, 0, elsewhere)));
}

TEST_CASE("what is no note has ended") {
    const std::string note = writeLeaseNote(at(1'000, 5'000'000), milliseconds(30'000));
    for (std::size_t size = 0; size < note.size(); ++size) CHECK(leaseIsOver(note.substr(0, size), at(1'000, 0)));
    CHECK(leaseIsOver(note + " ", at(1'000, 5'000'000)));
    for (const std::size_t place :
         {std::size_t{36}, std::size_t{40}, std::size_t{53}, std::size_t{60}, note.size() - 1}) {
        std::string broken = note;
        broken[place] = 'x';
        CAPTURE(place);
        CHECK(leaseIsOver(broken, at(1'000, 5'000'000)));
    }
}

TEST_CASE("a lease without a note has the time that others would have it for") {
    const milliseconds ttl(30'000), touched(5'000'000);
    CHECK(!leaseWithoutNoteIsOver(touched, at(0, 5'000'000), ttl));
    CHECK(!leaseWithoutNoteIsOver(touched, at(0, 5'029'999), ttl));
    CHECK(leaseWithoutNoteIsOver(touched, at(0, 5'030'000), ttl));
    CHECK(!leaseWithoutNoteIsOver(touched, at(0, 4'970'001), ttl));  // a file server whose clock is ahead
    CHECK(leaseWithoutNoteIsOver(touched, at(0, 4'970'000), ttl));   // a clock that was set back
    CHECK(leaseWithoutNoteIsOver(touched, at(0, 5'000'000), milliseconds(0)));
    CHECK(leaseWithoutNoteIsOver(touched, at(0, 5'000'000), milliseconds::min()));
    const std::int64_t day = milliseconds(hours(24)).count();
    CHECK(!leaseWithoutNoteIsOver(touched, at(0, 4'999'999 + day), milliseconds::max()));
    CHECK(leaseWithoutNoteIsOver(touched, at(0, 5'000'000 + day), milliseconds::max()));
}

TEST_CASE("this machine has both clocks") {
    const LeaseMoment now = leaseMoment();
    CHECK(now.boot.size() == 36);
    CHECK(now.boot == leaseMoment().boot);
    CHECK(now.bootTime > milliseconds(0));
    CHECK(now.wallTime > now.bootTime);
    CHECK(!leaseIsOver(writeLeaseNote(now, hours(1)), leaseMoment()));
    CHECK(leaseIsOver(writeLeaseNote(now, milliseconds(0)), leaseMoment()));
}

TEST_CASE("the next version of a record") {
    constexpr std::int64_t time = 1'800'000'000'000'000;
    CHECK(nextRecordVersion(0, 0, time) == time);
    CHECK(nextRecordVersion(5, 7, time) == time);
    CHECK(nextRecordVersion(time, 0, time) == time + 1);
    CHECK(nextRecordVersion(0, time + 9, time) == time + 10);
    CHECK(nextRecordVersion(time + 3, time + 1, time) == time + 4);
    CHECK(nextRecordVersion(0, 0, -1) == 1);  // a clock before 1970
    CHECK(nextRecordVersion(7, 0, 9'223'372'036'854'775'807) == 8);
    CHECK(unmarkedRecordVersion(time) == time);
    CHECK(unmarkedRecordVersion(0) == 1);
    CHECK(unmarkedRecordVersion(-5) == 1);
    CHECK(unmarkedRecordVersion(9'223'372'036'854'775'807) < maxRecordVersion);
}

TEST_CASE("the file of a key has its SHA-256 for a name") {
    CHECK(sessionFileName("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.json");
    CHECK(sessionFileName("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.json");
    CHECK(sessionFileName(std::string("a\0b", 3)) != sessionFileName("a"));
    CHECK(isSessionFileName(sessionFileName("../../etc/passwd")));
    CHECK(!isSessionFileName("session.json"));
    CHECK(!isSessionFileName("BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.json"));
    CHECK(!isSessionFileName("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.jsoN"));
}
