#pragma once

#include <utility>

#include "base/error.hpp"

namespace test {

/// The error that `work` throws; its kind is "passed" when it throws none.
template <class Work>
opsh::Error failure(Work&& work) {
  try {
    std::forward<Work>(work)();
  } catch (const opsh::Error& error) {
    return error;
  }
  return opsh::Error{"passed", "nothing was thrown"};
}

}  // namespace test
