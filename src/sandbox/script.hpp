#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace opsh::sandbox {

/// An SQL file for psql that a sandbox is filled with.
struct Content {
  std::filesystem::path file;                         ///< empty for none
  std::map<std::string, std::string> variables = {};  ///< psql's: :name, :'name'
};

/// What loading a file depends on, as far as reading it can tell.
struct Dependencies {
  /// Over the text of the file, of all that it includes (\i, \ir) and copies from (\copy), and the variables. Empty
  /// when `unknown` is not.
  std::string digest;
  /// Why it cannot be told, with the place: "fixture.sql:3: \\! runs a program".
  std::string unknown;
};

/// Reads the file as psql would, without running it. What is not known to be harmless counts as unknown: a meta-command
/// that runs a program or reads the environment, a file that the server itself reads, another server.
/// The times and random values that the file asks for are not seen as something that it depends on.
Dependencies dependencies_of(const Content& content);

}  // namespace opsh::sandbox
