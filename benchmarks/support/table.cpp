#include "support/table.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace wix::bench {
namespace {

/// Characters, not bytes: µ and × are two bytes each.
std::size_t width(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

Table::Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }

void Table::row(std::vector<std::string> cells) {
    cells.resize(rows_.front().size());
    rows_.push_back(std::move(cells));
}

void Table::print() const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& cells : rows_)
        for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], width(cells[i]));
    for (std::size_t r = 0; r < rows_.size(); ++r) {
        std::string line = "|";
        std::string rule = "|";
        for (std::size_t i = 0; i < widths.size(); ++i) {
            const std::string space(widths[i] - width(rows_[r][i]), ' ');
            line += i == 0 ? " " + rows_[r][i] + space + " |" : " " + space + rows_[r][i] + " |";
            rule += i == 0 ? std::string(widths[i] + 2, '-') + "|" : std::string(widths[i] + 1, '-') + ":|";
        }
        std::puts(line.c_str());
        if (r == 0) std::puts(rule.c_str());
    }
    std::fflush(stdout);
}

std::string fixed(double number, int digits) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", digits, number);
    return text;
}

}  // namespace wix::bench
