// A table that reads well in a terminal and in Markdown.
#pragma once

#include <string>
#include <vector>

namespace wix::bench {

class Table {
public:
    explicit Table(std::vector<std::string> header);
    void row(std::vector<std::string> cells);
    void print() const;

private:
    std::vector<std::vector<std::string>> rows_;
};

/// `number` with so many digits behind the point.
std::string fixed(double number, int digits);

}  // namespace wix::bench
