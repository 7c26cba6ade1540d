#pragma once

#include <optional>
#include <string>
#include <vector>

namespace attacks {

/// One line of the table.
struct Attack {
  std::string family;
  std::string name;
  std::vector<std::string> steps;  ///< statements, sent one after the other in one session
  std::string setup;               ///< SQL of the superuser's, before anybody attacks
  bool alone = false;              ///< its setup would change other attacks: it gets a database of its own
  std::string may_run;             ///< why the gate may pass it; empty when it must be refused
  std::string may_run_as_superuser;
  std::string open;     ///< why it is known to get through; empty when it must not change anything
  int server_from = 0;  ///< 150000: not on an older server
  int server_below = 1 << 30;
};

/// All attacks of the table for a server of that version, in its order. Throws std::runtime_error with what is wrong
/// with a line.
std::vector<Attack> read_table(int server_version);

}  // namespace attacks
