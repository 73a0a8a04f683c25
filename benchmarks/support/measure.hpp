// Time that this thread has used, and what is made of many samples.
#pragma once

#include <cstddef>
#include <vector>

namespace wix::bench {

/// CPU time of the calling thread in µs, user and system: the server's share is not in it.
double threadCpuMicros();

double median(std::vector<double> samples);
double smallest(const std::vector<double>& samples);
double largest(const std::vector<double>& samples);

/// Keeps the calling thread on the first, or on the last, of the cores it may use. Does nothing with one core, or where
/// the system has no such call.
enum class Core { first, last };
void pinTo(Core core);

/// Bytes that are allocated on the heap at this moment, by the whole process; 0 where that cannot be told.
std::size_t heapBytes();

}  // namespace wix::bench
