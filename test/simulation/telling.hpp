// What a story does: its actions, and how it ends.
#pragma once

#include "setup.hpp"
#include "stage.hpp"
#include "story.hpp"

namespace wix::simulation {

/// A story while it is told.
class Story {
public:
    explicit Story(std::uint64_t seed) : seed_(seed), setup_(seed), stage_(seed, setup_), ledger_(stage_.ledger) {}

    void perform(const Action& action);
    void finish();
    void count(Tally& tally) const;

private:
    void performCaller(const Action& action);
    void performWorld(const Action& action);
    void performEndpoint(const Action& action);
    void performStorage(const Action& action);

    void set(Tokens tokens, int visitor, bool thenGet);
    bool noChangeIsOnItsWay() const;
    bool isAtRest() const;
    void unauthorized(const Action& action);
    void setAgain(Tokens tokens, const Action& action);
    void giveUp(const Action& action);
    std::shared_ptr<Caller> get();
    void settle();
    void replaceDeadSession();
    void close();

    const std::uint64_t seed_;
    Setup setup_;
    Stage stage_;
    Ledger& ledger_;
};

}  // namespace wix::simulation
