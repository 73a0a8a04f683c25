// What a program promises, and whether this run kept it.
#pragma once

#include <cstdint>
#include <string>

#include "support/table.hpp"

namespace wix::bench {

class Targets {
public:
    Targets();
    /// A ratio of two figures of this run. Times differ from run to run: a miss is told and fails nothing.
    void ratio(std::string what, double measured, double most);
    /// A count, the same in every run: one that is wrong fails the program.
    void exact(std::string what, std::uint64_t measured, std::uint64_t wanted);

    void print() const { table_.print(); }
    bool allExact() const noexcept { return allExact_; }

private:
    Table table_;
    bool allExact_ = true;
};

}  // namespace wix::bench
