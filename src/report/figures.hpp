#pragma once

#include <cstdint>
#include <string>

namespace opsh::report {

/// "1,234,567", "-1,000".
std::string number(long long value);

/// A span of time as people say it: "820 ms", "3.4 s", "2 min 05 s", "1 h 02 min". What is negative counts as nothing.
std::string duration(double seconds);

/// A size in units of 1024 as PostgreSQL names them: "512 bytes", "1.5 kB", "12 MB", "3.2 GB".
std::string bytes(std::uint64_t count);

}  // namespace opsh::report
