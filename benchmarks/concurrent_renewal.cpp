// A token has expired and many callers come at once: what does it cost until each has the new one? Beside the two usual
// designs, and beside the least that waking so many handlers can cost. Ends with 1 if the callers of one client made more
// than one exchange, or more than one visitor.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "crowd.hpp"
#include "naive_renewal.hpp"
#include "posting_floor.hpp"
#include "support/arguments.hpp"
#include "support/measure.hpp"
#include "support/table.hpp"
#include "support/targets.hpp"

namespace wix::bench {
namespace {

enum class Way { ours, everyCaller, lock };

std::string nameOf(Way way) {
    if (way == Way::ours) return "the SDK: one client";
    return way == Way::everyCaller ? "naive: every caller renews" : "naive: a lock across the exchange";
}

/// One row: a design and a number of callers.
struct Row {
    Row(Way way, std::size_t callers) : way(way), callers(callers) {}
    Way way;
    std::size_t callers;
    std::vector<double> milliseconds, beyond, cpu, bytes, cancel;
    std::uint64_t mostExchanges = 0;
    std::uint64_t mostVisitors = 0;
};

DesignPtr make(const Row& row, const Crowd& crowd) {
    if (row.way == Way::ours) return sharedClient(crowd.session());
    if (row.way == Way::everyCaller) return everyCallerRenews(crowd.session(), row.callers);
    return lockAcrossExchange(crowd.session());
}

/// `alone`: a single caller of the same design in the same round, which is told first.
void measure(Crowd& crowd, Row& row, CrowdOutcome& alone) {
    const Answer answer = row.way == Way::everyCaller ? Answer::delayed : Answer::held;
    const CrowdOutcome outcome = crowd.renew(*make(row, crowd), row.callers, answer);
    if (row.callers == 1) alone = outcome;
    row.milliseconds.push_back(outcome.milliseconds);
    row.beyond.push_back(answer == Answer::held ? outcome.afterAnswer - alone.afterAnswer
                                                : outcome.milliseconds - alone.milliseconds);
    row.cpu.push_back(outcome.cpuAfterAnswer - alone.cpuAfterAnswer);
    row.bytes.push_back(outcome.bytesPerCaller);
    row.mostExchanges = std::max(row.mostExchanges, outcome.exchanges);
    row.mostVisitors = std::max(row.mostVisitors, outcome.visitors);
    if (answer == Answer::held && row.callers >= 100)
        row.cancel.push_back(crowd.cancelMicros(*make(row, crowd), row.callers));
}

/// So many rounds of a row in a whole run; the largest crowds and the slowest design are seen less often.
std::size_t roundsOf(const Row& row, std::size_t rounds) {
    if (row.way == Way::everyCaller) return row.callers >= 1'000 ? std::min<std::size_t>(rounds, 2) : rounds;
    return row.callers >= 100'000 ? std::min<std::size_t>(rounds, 3) : rounds;
}

std::vector<Row> rowsOf(const Arguments& arguments) {
    const std::size_t largest = arguments.smoke ? 1'000 : arguments.quick ? 10'000 : 100'000;
    std::vector<Row> rows;
    for (const Way way : {Way::ours, Way::everyCaller, Way::lock})
        for (std::size_t callers = 1; callers <= largest; callers *= 10) {
            if (way == Way::everyCaller && callers > (arguments.smoke ? 10U : 1'000U)) break;
            rows.emplace_back(way, callers);
        }
    return rows;
}

struct Floor {
    Floor() = default;
    std::size_t blockBytes = 0;
    std::vector<double> bare, cold, copying;
};

void print(const std::vector<Row>& rows) {
    Table table({"expired token, exchange takes 50 ms", "callers", "exchanges", "visitors", "last served after ms",
                 "beyond the exchange ms", "of it CPU ms", "bytes a waiter", "cancel one, µs"});
    for (const Row& row : rows) {
        const bool held = row.way != Way::everyCaller;
        table.row({nameOf(row.way), std::to_string(row.callers), std::to_string(row.mostExchanges),
                   std::to_string(row.mostVisitors), fixed(median(row.milliseconds), 1),
                   row.callers > 1 ? fixed(median(row.beyond), 2) : "",
                   held && row.callers > 1 ? fixed(median(row.cpu), 2) : "",
                   held && row.callers >= 1'000 ? fixed(median(row.bytes), 0) : "",
                   row.cancel.empty() ? "" : fixed(median(row.cancel), 1)});
    }
    table.print();
}

const Row* find(const std::vector<Row>& rows, std::size_t callers) {
    for (const Row& row : rows)
        if (row.way == Way::ours && row.callers == callers) return &row;
    return nullptr;
}

/// Round by round, so that what disturbs a round disturbs both.
double ratio(const std::vector<double>& of, const std::vector<double>& to) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < std::min(of.size(), to.size()); ++i) ratios.push_back(of[i] / to[i]);
    return median(std::move(ratios));
}

bool judge(const std::vector<Row>& rows, const Floor& floor) {
    Targets targets;
    std::uint64_t exchanges = 0;
    std::uint64_t visitors = 0;
    for (const Row& row : rows) {
        if (row.way != Way::ours) continue;
        exchanges = std::max(exchanges, row.mostExchanges);
        visitors = std::max(visitors, row.mostVisitors);
    }
    targets.exact("exchanges, the most for any number of callers", exchanges, 1);
    targets.exact("visitors, the most for any number of callers", visitors, 1);
    if (const Row* many = find(rows, 10'000)) {
        const Row* few = find(rows, 100);
        std::printf(
            "\nPosting 10 000 handlers takes %s ms of CPU time; with a block of %zu bytes each %s ms; if each copies\n"
            "the tokens as well, %s ms: the callers take %s times that.\n\n",
            fixed(median(floor.bare), 2).c_str(), floor.blockBytes, fixed(median(floor.cold), 2).c_str(),
            fixed(median(floor.copying), 2).c_str(), fixed(ratio(many->cpu, floor.copying), 2).c_str());
        targets.ratio("10 000 callers: CPU time beyond the exchange / posting 10 000 handlers",
                      ratio(many->cpu, floor.cold), 3);
        targets.ratio("a waiter's bytes beyond those of one at a timer / 921",
                      (median(many->bytes) - static_cast<double>(floor.blockBytes)) / 921, 1);
        targets.ratio("cancelling one among 10 000 / among 100", ratio(many->cancel, few->cancel), 1.5);
    } else {
        std::puts("");
    }
    targets.print();
    return targets.allExact();
}

bool compare(const Arguments& arguments) {
    if (arguments.pin) pinTo(Core::last);  // the fake's thread keeps to it
    testing::FakeWix fake;
    if (arguments.pin) pinTo(Core::first);
    Crowd crowd(fake);

    const std::size_t rounds = arguments.rounds > 0 ? arguments.rounds : arguments.smoke ? 1 : arguments.quick ? 3 : 11;
    const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(arguments.quick ? 5 : 45);
    std::vector<Row> rows = rowsOf(arguments);
    Floor floor;
    floor.blockBytes = static_cast<std::size_t>(timerWaitBytes(10'000));
    std::size_t done = 0;
    for (; done < rounds && (done == 0 || std::chrono::steady_clock::now() < latest); ++done) {
        std::map<Way, CrowdOutcome> alone;
        for (Row& row : rows) {
            if (done >= roundsOf(row, rounds)) continue;
            if (row.way == Way::ours && row.callers == 10'000) {
                floor.bare.push_back(postingMilliseconds(10'000, Posted()));
                floor.cold.push_back(postingMilliseconds(10'000, Posted(floor.blockBytes)));
                floor.copying.push_back(postingMilliseconds(10'000, Posted(floor.blockBytes, &crowd.session().tokens)));
            }
            measure(crowd, row, alone[row.way]);
        }
    }
    print(rows);
    const bool good = judge(rows, floor);
    std::printf("\nMedians of %zu rounds; exchanges and visitors are the largest of any round.\n", done);
    return good;
}

}  // namespace
}  // namespace wix::bench

int main(int count, char** values) {
    try {
        return wix::bench::compare(wix::bench::readArguments(count, values)) ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "concurrent_renewal: %s\n", error.what());
        return 1;
    }
}
