#pragma once

#include "db/writer.hpp"

namespace opsh::journal {

/// Stands in for the journal's class, which alone may begin and commit.
class Batch {
 public:
  static db::CommitKey key() { return {}; }
};

}  // namespace opsh::journal

namespace test {

inline opsh::db::CommitKey commit_key() {
  return opsh::journal::Batch::key();
}

}  // namespace test
