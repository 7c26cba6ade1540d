#pragma once

// The one place that knows which Catch2 is installed.
#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_all.hpp>

namespace test {
using Catch::Matchers::ContainsSubstring;
}
#else
#include <catch2/catch.hpp>

namespace test {
inline auto ContainsSubstring(const std::string& text) {
  return Catch::Matchers::Contains(text);
}
}  // namespace test
#endif
