#include "db/catalog_names.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "db/reader.hpp"
#include "sql/statement.hpp"

namespace opsh::db {
namespace {

using sql::operator""_sql;

constexpr sql::HostSql schemas_sql =
    "select pg_catalog.quote_ident(n.nspname) from pg_catalog.pg_namespace as n "
    "where n.nspname !~ '^pg_(toast|temp)|[\\x01-\\x1f]' order by 1"_sql;

constexpr sql::HostSql relations_sql =
    "select pg_catalog.concat_ws(E'\\x1f', pg_catalog.quote_ident(n.nspname), pg_catalog.quote_ident(c.relname), "
    "c.relkind, case when pg_catalog.pg_table_is_visible(c.oid) then 't' else 'f' end, a.names) "
    "from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace "
    "left join (select attrelid, "
    "pg_catalog.string_agg(pg_catalog.quote_ident(attname), E'\\x1f' order by attnum) as names "
    "from pg_catalog.pg_attribute where attnum > 0 and not attisdropped and attname !~ '[\\x01-\\x1f]' "
    "group by attrelid) as a on a.attrelid = c.oid "
    "where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname !~ '^pg_(toast|temp)|[\\x01-\\x1f]' "
    "and c.relname !~ '[\\x01-\\x1f]' order by n.nspname = 'pg_catalog', c.relname"_sql;

constexpr sql::HostSql functions_sql =
    "select distinct pg_catalog.concat_ws(E'\\x1f', pg_catalog.quote_ident(n.nspname), "
    "pg_catalog.quote_ident(p.proname), case when pg_catalog.pg_function_is_visible(p.oid) then 't' else 'f' end) "
    "from pg_catalog.pg_proc as p join pg_catalog.pg_namespace as n on n.oid = p.pronamespace "
    "where p.prokind in ('f', 'a', 'w') and p.proname !~ '^_|[\\x01-\\x1f]' and n.nspname !~ '[\\x01-\\x1f]' "
    "and 'pg_catalog.internal'::pg_catalog.regtype <> all (p.proargtypes) "
    "and p.prorettype not in ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.internal'::pg_catalog.regtype)"_sql;

constexpr sql::HostSql types_sql =
    "select pg_catalog.format_type(t.oid, null) from pg_catalog.pg_type as t where t.typtype in ('b', 'd', 'e', 'r') "
    "and t.typname !~ '^_|[\\x01-\\x1f]' order by 1"_sql;

constexpr sql::HostSql keys_sql =
    "select pg_catalog.concat_ws(E'\\x1f', pg_catalog.quote_ident(n.nspname), pg_catalog.quote_ident(c.relname), "
    "pg_catalog.quote_ident(m.nspname), pg_catalog.quote_ident(d.relname), "
    "(select pg_catalog.string_agg(pg_catalog.concat_ws(E'\\x1f', pg_catalog.quote_ident(a.attname), "
    "pg_catalog.quote_ident(b.attname)), E'\\x1f' order by u.place) "
    "from rows from (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey)) with ordinality as u(one, other, "
    "place) "
    "join pg_catalog.pg_attribute as a on a.attrelid = k.conrelid and a.attnum = u.one "
    "join pg_catalog.pg_attribute as b on b.attrelid = k.confrelid and b.attnum = u.other)) "
    "from pg_catalog.pg_constraint as k join pg_catalog.pg_class as c on c.oid = k.conrelid "
    "join pg_catalog.pg_namespace as n on n.oid = c.relnamespace "
    "join pg_catalog.pg_class as d on d.oid = k.confrelid "
    "join pg_catalog.pg_namespace as m on m.oid = d.relnamespace "
    "where k.contype = 'f' and k.conparentid = 0"_sql;

std::vector<std::string> texts(Reader& reader, sql::HostSql sql) {
  const Result result = reader.query(sql);
  std::vector<std::string> found;
  found.reserve(static_cast<std::size_t>(result.rows()));
  for (int row = 0; row < result.rows(); ++row) found.emplace_back(result.field(row, 0).value_or(""));
  return found;
}

CatalogNames read(const Target& target) {
  Reader reader{target};
  return {texts(reader, schemas_sql), texts(reader, relations_sql), texts(reader, functions_sql),
          texts(reader, types_sql), texts(reader, keys_sql)};
}

/// All of them are blocked in threads that are started while one lives: they belong to the main one.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

/// Of the thread and of whoever reads it; the thread may be the last to let go.
struct CatalogRead::Shared {
  interrupt::Aside stop;
  Descriptor event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::mutex guard;
  std::condition_variable changed;
  bool is_over = false;
  std::optional<CatalogNames> names;

  void end(std::optional<CatalogNames> read) {
    {
      const std::lock_guard lock{guard};
      names = std::move(read);
      is_over = true;
    }
    changed.notify_all();
    const std::uint64_t one = 1;
    [[maybe_unused]] auto written = ::write(event.get(), &one, sizeof one);
  }
};

CatalogRead::CatalogRead(const Target& target) : shared_(std::make_shared<Shared>()) {
  const SignalsBlocked blocked;
  std::thread{[shared = shared_, target] {
    const interrupt::Aside::Here here{shared->stop};
    std::optional<CatalogNames> names;
    try {
      names = read(target);
    } catch (const std::exception&) {
      // Then there is nothing to complete from; the prompt's own session says what is wrong.
    }
    shared->end(std::move(names));
  }}.detach();
}

CatalogRead::~CatalogRead() {
  if (!shared_) return;
  shared_->stop.request();
  // Resolving a host's name cannot be stopped; the thread that does it uses nothing that the end of the process takes.
  std::unique_lock lock{shared_->guard};
  shared_->changed.wait_for(lock, std::chrono::milliseconds{500}, [&] { return shared_->is_over; });
}

int CatalogRead::descriptor() const {
  return shared_->event.get();
}

bool CatalogRead::is_over() const {
  const std::lock_guard lock{shared_->guard};
  return shared_->is_over;
}

std::optional<CatalogNames> CatalogRead::take() {
  std::uint64_t count = 0;
  [[maybe_unused]] auto taken = ::read(shared_->event.get(), &count, sizeof count);
  const std::lock_guard lock{shared_->guard};
  return std::exchange(shared_->names, std::nullopt);
}

}  // namespace opsh::db
