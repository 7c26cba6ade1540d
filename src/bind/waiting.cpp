#include "bind/waiting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "bind/console.hpp"
#include "db/reader.hpp"
#include "sql/statement.hpp"
#include "text/printable.hpp"
#include "text/width.hpp"

namespace opsh::bind {
namespace {

using sql::operator""_sql;

constexpr sql::HostSql wait_sql =
    "select coalesce('waits for ' || a.wait_event_type || ': ' || a.wait_event, 'works') || "
    "coalesce(', held by pid ' || nullif(pg_catalog.array_to_string(pg_catalog.pg_blocking_pids(a.pid), ', '), ''), "
    "'') "
    "from pg_catalog.pg_stat_activity as a where a.pid = $1::pg_catalog.int4 and a.state = 'active'"_sql;

class Watch {
 public:
  Watch(db::Target target, int pid) : target_(std::move(target)), pid_(pid) {
    target_.judged = false;
    target_.connect_within = Seconds{1};
    target_.statement_within = Seconds{1};
  }

  void show(Seconds waited) {
    std::string line = fmt::format("{:.1f} s", waited.count());
    if (auto event = ask()) line += ", " + text::printable(*event);
    line += " (Ctrl-C cancels)";
    const int columns = console::terminal(2).columns;
    console::write_error("\r" + text::fit(line, static_cast<std::size_t>(std::max(columns, 20)) - 1) + "\x1b[K");
  }

  static void clear() { console::write_error("\r\x1b[K"); }

 private:
  std::optional<std::string> ask() {
    if (failed_) return std::nullopt;
    try {
      if (!reader_) reader_ = std::make_unique<db::Reader>(target_);
      const db::Result found = reader_->query(wait_sql, {{std::to_string(pid_)}});
      std::optional<std::string> event;
      if (found.rows() == 1 && found.field(0, 0)) event = *found.field(0, 0);
      reader_->rest();
      return event;
    } catch (const Error&) {
      failed_ = true;
      reader_.reset();
      return std::nullopt;
    }
  }

  db::Target target_;
  int pid_;
  std::unique_ptr<db::Reader> reader_;
  bool failed_ = false;
};

}  // namespace

void show_waiting(db::Connection& connection, db::Target target) {
  auto watch = std::make_shared<Watch>(std::move(target), connection.backend_pid());
  connection.on_waiting([watch](std::optional<Seconds> waited) {
    if (waited)
      watch->show(*waited);
    else
      Watch::clear();
  });
}

}  // namespace opsh::bind
