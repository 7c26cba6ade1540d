#include "attacks/ground.hpp"

#include <stdlib.h>

#include <chrono>
#include <fstream>
#include <stdexcept>

#include "support/server.hpp"

namespace attacks {
namespace {

namespace fs = std::filesystem;

constexpr const char* original = "ground";
constexpr const char* attacked = "field";

// Nothing happens on this server of itself: no autovacuum, no checkpoint.
opsh::sandbox::Options quiet_server() {
  opsh::sandbox::Options options;
  options.settings = {{"autovacuum", "off"},
                      {"checkpoint_timeout", "1d"},
                      {"max_wal_size", "4GB"},
                      {"wal_level", "logical"},
                      {"max_prepared_transactions", "10"},
                      {"shared_preload_libraries", "pg_stat_statements"}};
  return options;
}

// leak(n), for functions, views, casts and the like to call: leaves the read-only transaction, as far as the server
// lets it, takes the session's advisory lock n and moves a sequence. Nothing of that is taken back by ROLLBACK.
constexpr const char* tables = R"(
  create schema watch;
  grant usage on schema watch to public;
  create extension pg_stat_statements schema watch;
  grant all on schema public to owner;
  set role owner;
  create table item (id integer primary key, name text, amount integer);
  insert into item select n, 'item ' || n, n % 7 from generate_series(1, 100) as n;
  create table log (id serial primary key, what text);
  insert into log (what) select 'entry ' || n from generate_series(1, 20) as n;
  create table hold (n integer primary key);
  create sequence counter;
  create view item_names as select id, name from item;
  create materialized view item_total as select sum(amount) as total from item;
  create unique index on item_total (total);
  select lo_create(4712);
  grant select on all tables in schema public to reader;
  reset role;
  select lo_create(4711);
  create function leak(n integer) returns integer language plpgsql as $$
    begin
      perform pg_catalog.pg_advisory_lock(n);
      perform pg_catalog.set_config('transaction_read_only', null, false);
      perform pg_catalog.nextval('public.counter');
      return 1;
    exception when others then return 1;
    end $$)";

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

fs::path new_folder() {
  char made[] = "/tmp/opsh-attacks-XXXXXX";
  if (::mkdtemp(made) == nullptr) throw std::runtime_error{"no directory for the test"};
  fs::permissions(made, fs::perms::all);
  return made;
}

}  // namespace

const char* name_of(Role role) {
  return role == Role::superuser ? "superuser" : role == Role::owner ? "owner" : "reader";
}

Ground::Ground()
    : folder_(new_folder()),
      server_(opsh::sandbox::Server::start(quiet_server())),
      admin_(server_.conninfo()),
      data_(*admin_.run("show data_directory")[0][0]),
      attacks_(read_table(std::stoi(*admin_.run("show server_version_num")[0][0]))) {
  admin_.run("create role owner login; create role reader login");
  prepare();
  restore();
}

Ground::~Ground() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void Ground::prepare() {
  const std::string conninfo = server_.create_database(original);
  test::query(conninfo, tables);
  // Not on servers before 15: there the log is not looked at.
  try {
    test::query(conninfo, "create extension pg_walinspect schema watch");
  } catch (const std::runtime_error&) {
  }
  test::query(conninfo, std::string{"alter database "} + original + " owner to owner");
  for (const Attack& attack : attacks_) {
    if (!attack.alone) set_up(conninfo, attack);
  }
}

void Ground::set_up(const std::string& conninfo, const Attack& attack) const {
  if (attack.setup.empty()) return;
  try {
    test::query(conninfo, filled(attack.setup));
  } catch (const std::runtime_error& error) {
    throw std::runtime_error{"the setup of the attack " + attack.name + ": " + error.what()};
  }
}

/// Runs each statement that a query gives.
void Ground::each(const std::string& statements) {
  for (const auto& row : admin_.run(statements)) admin_.run(*row[0]);
}

void Ground::clear_server() {
  for (const auto& row : admin_.run("select gid from pg_prepared_xacts"))
    test::query(server_.conninfo(attacked), "rollback prepared '" + *row[0] + "'");
  each(
      "select format('select pg_terminate_backend(%s)', pid) from pg_stat_activity "
      "where backend_type = 'client backend' and pid <> pg_backend_pid() and application_name <> 'bystander'");
  each("select format('select pg_drop_replication_slot(%L)', slot_name) from pg_replication_slots");
  server_.drop_database(attacked);
  each("select format('drop database %I', datname) from pg_database where datname = 'made'");
  each("select format('drop tablespace %I', spcname) from pg_tablespace where oid > 16383");
  each("select format('drop role %I', rolname) from pg_roles where oid > 16383 and rolname not in ('owner', 'reader')");
  each("select format('alter role %s reset all', setrole::regrole) from pg_db_role_setting where setrole <> 0");
  each(
      "select format('alter database %I reset all', datname) from pg_database where oid in "
      "(select setdatabase from pg_db_role_setting)");
  each(
      "select format('revoke %s from %s', roleid::regrole, member::regrole) from pg_auth_members where roleid < 16384 "
      "and member > 16383");
  admin_.run("alter system reset all");
  admin_.run("select pg_reload_conf()");
  admin_.run("select pg_create_physical_replication_slot('standing', true)");
}

void Ground::put_files() const {
  for (const auto& entry : fs::directory_iterator{folder_}) fs::remove_all(entry.path());
  std::ofstream{folder_ / "victim"} << "a file of somebody's\n";
  fs::permissions(folder_ / "victim", fs::perms::all);
}

void Ground::restore(const Attack* attack) {
  observer_.reset();
  listener_.reset();
  clear_server();
  put_files();
  const std::string conninfo = server_.create_database(attacked, original);
  if (attack != nullptr && attack->alone) set_up(conninfo, *attack);
  if (!bystander_ || !bystander_->is_undisturbed()) bystander_ = std::make_unique<Bystander>(server_.conninfo());
  listener_ = std::make_unique<Listener>(conninfo);
  observer_ = std::make_unique<Observer>(conninfo);
}

std::string Ground::conninfo(Role role) const {
  std::string conninfo = server_.conninfo(attacked);
  if (role != Role::superuser) conninfo += std::string{" user="} + name_of(role);
  return conninfo;
}

std::string Ground::filled(std::string text) const {
  replace_all(text, "${folder}", folder_.string());
  replace_all(text, "${database}", attacked);
  if (bystander_) replace_all(text, "${bystander}", std::to_string(bystander_->pid()));
  return text;
}

Observed Ground::look() {
  Observed seen;
  try {
    seen = observer_->look();
  } catch (const std::runtime_error& error) {
    // A table is gone, or its lock is held.
    seen["observer"] = error.what();
  }
  add_files(seen);
  seen["notifications"] = std::to_string(listener_->heard());
  seen["bystander"] = bystander_->is_undisturbed() ? "undisturbed" : "disturbed";
  return seen;
}

void Ground::add_files(Observed& seen) const {
  for (const auto& folder : {folder_, data_}) {
    std::string& list = seen["files in " + folder.filename().string()];
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator{folder}) {
      std::string& file = files[entry.path().filename().string()];
      if (!entry.is_regular_file()) continue;
      file = " " + std::to_string(entry.file_size()) + " " +
             std::to_string(entry.last_write_time().time_since_epoch().count());
    }
    for (const auto& [name, state] : files) list += name + state + ", ";
  }
}

}  // namespace attacks
