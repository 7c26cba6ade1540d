#pragma once

namespace opsh::host {

/// Binds the keys that do something else here than in any other program with readline. After rl_initialize(): what the
/// person's inputrc says of the arrows, Home and End stays.
void bind_keys();

/// Whether Tab was pressed for a completion since the last time that this was asked.
bool take_tab();

/// The same of Ctrl-L.
bool take_clear();

}  // namespace opsh::host
