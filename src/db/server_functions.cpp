#include "db/server_functions.hpp"

#include <algorithm>
#include <iterator>

// Made from pg_proc of 15: every function of pg_catalog was looked at once, those that cannot be called from SQL left
// out (an argument of type internal), and those of the extensions that come with PostgreSQL; then what pg_proc of 17
// has beyond that. 18 is here from what is known of it. A function that a newer server adds and calls volatile is
// refused until it is here; one that it calls stable is allowed.
namespace opsh::db {
namespace {

struct Entry {
  std::string_view extension;
  std::string_view name;
  std::string_view reason = {};
};

constexpr Entry harmless[] = {
    // Clocks, and numbers at random: no state but the session's own generator.
    {"", "clock_timestamp"},
    {"", "timeofday"},
    {"", "random"},
    {"", "random_normal"},
    {"", "gen_random_uuid"},
    {"", "uuidv4"},
    {"", "uuidv7"},
    {"pgcrypto", "gen_random_bytes"},
    {"pgcrypto", "gen_random_uuid"},
    {"pgcrypto", "gen_salt"},
    {"pgcrypto", "pgp_pub_encrypt"},
    {"pgcrypto", "pgp_pub_encrypt_bytea"},
    {"pgcrypto", "pgp_sym_encrypt"},
    {"pgcrypto", "pgp_sym_encrypt_bytea"},
    {"tablefunc", "normal_rand"},
    {"uuid-ossp", "uuid_generate_v1"},
    {"uuid-ossp", "uuid_generate_v1mc"},
    {"uuid-ossp", "uuid_generate_v4"},
    // Waiting is what a slow query does as well, and statement_timeout ends it.
    {"", "pg_sleep"},
    {"", "pg_sleep_for"},
    {"", "pg_sleep_until"},
    // Rows at random (TABLESAMPLE).
    {"", "bernoulli"},
    {"", "system"},
    {"tsm_system_rows", "system_rows"},
    {"tsm_system_time", "system_time"},
    // What this session is doing.
    {"", "current_query"},
    {"", "currval"},
    {"", "lastval"},
    {"", "pg_stat_clear_snapshot"},
    {"", "pg_stat_get_xact_blocks_fetched"},
    {"", "pg_stat_get_xact_blocks_hit"},
    {"", "pg_stat_get_xact_function_calls"},
    {"", "pg_stat_get_xact_function_self_time"},
    {"", "pg_stat_get_xact_function_total_time"},
    {"", "pg_stat_get_xact_numscans"},
    {"", "pg_stat_get_xact_tuples_deleted"},
    {"", "pg_stat_get_xact_tuples_fetched"},
    {"", "pg_stat_get_xact_tuples_hot_updated"},
    {"", "pg_stat_get_xact_tuples_inserted"},
    {"", "pg_stat_get_xact_tuples_newpage_updated"},
    {"", "pg_stat_get_xact_tuples_returned"},
    {"", "pg_stat_get_xact_tuples_updated"},
    // Sizes.
    {"", "pg_database_size"},
    {"", "pg_indexes_size"},
    {"", "pg_relation_size"},
    {"", "pg_table_size"},
    {"", "pg_tablespace_size"},
    {"", "pg_total_relation_size"},
    // What the catalog and the transaction log say.
    {"", "pg_collation_actual_version"},
    {"", "pg_database_collation_actual_version"},
    {"", "pg_partition_ancestors"},
    {"", "pg_partition_tree"},
    {"", "pg_sequence_last_value"},
    {"", "pg_get_sequence_data"},
    {"", "pg_last_committed_xact"},
    {"", "pg_xact_commit_timestamp"},
    {"", "pg_xact_commit_timestamp_origin"},
    {"", "pg_xact_status"},
    {"", "txid_status"},
    {"", "lo_get"},
    // The state of the server and of its standbys; the views of the same names need them.
    {"", "pg_blocking_pids"},
    {"", "pg_safe_snapshot_blocking_pids"},
    {"", "pg_control_checkpoint"},
    {"", "pg_control_init"},
    {"", "pg_control_recovery"},
    {"", "pg_control_system"},
    {"", "pg_current_wal_flush_lsn"},
    {"", "pg_current_wal_insert_lsn"},
    {"", "pg_current_wal_lsn"},
    {"", "pg_get_aios"},
    {"", "pg_get_backend_memory_contexts"},
    {"", "pg_get_multixact_members"},
    {"", "pg_get_shmem_allocations"},
    {"", "pg_get_wait_events"},
    {"", "pg_get_wal_replay_pause_state"},
    {"", "pg_get_wal_resource_managers"},
    {"", "pg_is_in_recovery"},
    {"", "pg_is_wal_replay_paused"},
    {"", "pg_last_wal_receive_lsn"},
    {"", "pg_last_wal_replay_lsn"},
    {"", "pg_last_xact_replay_timestamp"},
    {"", "pg_lock_status"},
    {"", "pg_notification_queue_usage"},
    {"", "pg_prepared_xact"},
    {"", "pg_show_replication_origin_status"},
    {"", "pg_stat_get_io"},
    {"", "pg_stat_get_backend_io"},
    {"", "pg_stat_get_recovery_prefetch"},
    {"", "pg_stat_have_stats"},
    {"pg_stat_statements", "pg_stat_statements"},
    {"pg_stat_statements", "pg_stat_statements_info"},
};

constexpr std::string_view for_writing[] = {"nextval"};

constexpr std::string_view runs_text = "runs SQL that it makes from its arguments";
constexpr std::string_view takes_id = "gives the transaction an id, which only a write needs";
constexpr std::string_view reads_as_type = "reads text as any type, and so runs the checks of a domain";
constexpr std::string_view loads_code = "may load code into the server";

constexpr Entry dangers[] = {
    {"", "database_to_xml", runs_text},
    {"", "database_to_xml_and_xmlschema", runs_text},
    {"", "database_to_xmlschema", runs_text},
    {"", "schema_to_xml", runs_text},
    {"", "schema_to_xml_and_xmlschema", runs_text},
    {"", "schema_to_xmlschema", runs_text},
    {"", "table_to_xml", runs_text},
    {"", "table_to_xml_and_xmlschema", runs_text},
    {"", "table_to_xmlschema", runs_text},
    {"tablefunc", "connectby", runs_text},
    {"tablefunc", "crosstab", runs_text},
    {"tablefunc", "crosstab2", runs_text},
    {"tablefunc", "crosstab3", runs_text},
    {"tablefunc", "crosstab4", runs_text},
    {"", "pg_current_xact_id", takes_id},
    {"", "txid_current", takes_id},
    {"", "pg_input_error_info", reads_as_type},
    {"", "pg_input_is_valid", reads_as_type},
    {"", "fmgr_c_validator", loads_code},
    {"", "fmgr_internal_validator", loads_code},
    {"", "fmgr_sql_validator", loads_code},
};

constexpr std::string_view reads_files = "reads files of the server, which are not the database's data";

constexpr Entry views[] = {
    {"", "pg_file_settings", reads_files},
    {"", "pg_hba_file_rules", reads_files},
    {"", "pg_ident_file_mappings", reads_files},
};

// They want a superuser to install them because they are large or old, not because they reach out.
constexpr std::string_view extensions[] = {
    "address_standardizer", "earthdistance",    "h3",    "intagg", "postgis", "postgis_raster",
    "postgis_sfcgal",       "postgis_topology", "vector"};

template <std::size_t n>
const Entry* find(const Entry (&table)[n], std::string_view extension, std::string_view name) {
  const auto found = std::find_if(std::begin(table), std::end(table), [&](const Entry& entry) {
    return entry.name == name && entry.extension == extension;
  });
  return found == std::end(table) ? nullptr : found;
}

template <std::size_t n>
bool holds(const std::string_view (&list)[n], std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

}  // namespace

bool is_harmless(std::string_view extension, std::string_view name) {
  return find(harmless, extension, name) != nullptr;
}

bool belongs_to_writing(std::string_view name) {
  return holds(for_writing, name);
}

std::string_view danger(std::string_view extension, std::string_view name) {
  const auto* found = find(dangers, extension, name);
  return found == nullptr ? std::string_view{} : found->reason;
}

std::string_view view_danger(std::string_view name) {
  const auto* found = find(views, "", name);
  return found == nullptr ? std::string_view{} : found->reason;
}

bool is_known_extension(std::string_view extension) {
  return holds(extensions, extension);
}

}  // namespace opsh::db
