#pragma once

#include <exception>
#include <string>
#include <utility>

namespace opsh {

/// The one exception that opsh throws. A runbook branches on `kind`; a person reads the rest.
///
/// `kind` is dotted, the area first ("connect.refused", "sql.syntax", "spool.full"). `message` says what happened and
/// where, lower case, without a final full stop. `hint` is the next step, or empty.
struct Error : std::exception {
  std::string kind;
  std::string message;
  std::string hint;
  std::string sqlstate;  ///< five characters when the server said it, else empty
  std::string detail;    ///< the server's DETAIL and CONTEXT: may hold row values, so it is never logged
  std::string where;     ///< "file:line" of the script, when known
  std::string excerpt;   ///< lines to show under the message (a statement with a caret), or empty

  Error(std::string kind_, std::string message_, std::string hint_ = {})
      : kind(std::move(kind_)), message(std::move(message_)), hint(std::move(hint_)) {}

  const char* what() const noexcept override { return message.c_str(); }
};

}  // namespace opsh
