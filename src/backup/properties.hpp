#pragma once

#include <string>
#include <vector>

#include "db/writer.hpp"

namespace opsh::backup {

/// The statement that makes the database `fresh` like the one with this oid: encoding, locale, tablespace, owner.
sql::WriteSql creation_like(db::Writer& writer, const std::string& original_oid, const std::string& fresh);

/// The statements that give the database `fresh` the settings, privileges, comment and connection limit of the one with
/// this oid. Privileges come from the owner, whoever granted them.
std::vector<sql::WriteSql> adoption(db::Writer& writer, const std::string& original_oid, const std::string& fresh);

/// Whether both databases are alike in all of these. Errors: "backup.properties", which names what is not.
void require_alike(db::Writer& writer, const std::string& original_oid, const std::string& fresh_oid);

}  // namespace opsh::backup
