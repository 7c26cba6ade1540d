#pragma once

#include "db/connection.hpp"
#include "db/target.hpp"

namespace opsh::bind {

/// From now on a statement of this session that takes longer than a second says so on standard error, in a line that is
/// gone when the answer is there: how long it takes so far, and what it waits for. That is asked over another
/// connection, which is opened when it is needed first; without one only the time is said.
void show_waiting(db::Connection& connection, db::Target target);

}  // namespace opsh::bind
