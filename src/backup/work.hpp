#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace opsh::backup {

/// What a work that came to its end has to say.
struct Outcome {
  std::uint64_t size = 0;   ///< bytes of the dump
  std::string sha256 = {};  ///< of these bytes (of a directory: fingerprint.hpp); empty: not asked for
  Seconds seconds{0};
  /// Whether bytes follow the end of the archive, which a restore never reads; nothing when that cannot be seen: in a
  /// directory, through a prefix, with some of the tables.
  std::optional<bool> trailing = {};
  std::vector<std::string> warnings = {};  ///< lines that a program wrote on standard error
};

/// Something that takes time, done piece by piece, so that the caller can show progress in between. Destroyed before
/// its end it kills what it started and removes what it made. An error is its end; asked again, it says it again.
class Work {
 public:
  Work() = default;
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  virtual ~Work() = default;

  /// Goes on until the deadline at most; whether it is done. Errors: "interrupted", and what went wrong.
  bool step(Deadline deadline);

  /// Does what is left. Errors: as step().
  Outcome finish();

  /// How far it is: bytes of the dump that were written or read.
  virtual std::uint64_t bytes() const = 0;

 protected:
  virtual bool advance(Deadline deadline) = 0;
  virtual Outcome result() = 0;

 private:
  Clock::time_point began_ = Clock::now();
  Seconds took_{0};
  bool done_ = false;
  std::optional<Error> failure_;
};

}  // namespace opsh::backup
