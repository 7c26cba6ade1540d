#pragma once

#include <string_view>

namespace opsh::db {

/// What opsh knows of functions that their volatility does not say. The rule (catalog_gate.hpp): immutable and stable
/// functions of the server's own and of trusted extensions only compute and read; what is here is the exceptions.

/// May be called although the catalog calls it volatile: it reads something that changes while a statement runs, or
/// draws at random, and leaves no trace. `extension` is empty for the server's own.
bool is_harmless(std::string_view extension, std::string_view name);

/// May be called by a statement that writes: what it changes belongs to writing rows (nextval).
bool belongs_to_writing(std::string_view name);

/// Why a function must not be called although the catalog calls it immutable or stable; empty when it may.
std::string_view danger(std::string_view extension, std::string_view name);

/// Why a view of pg_catalog must not be read; empty when it may.
std::string_view view_danger(std::string_view name);

/// An extension that the packagers did not mark as trusted, and whose functions still do what their volatility says.
bool is_known_extension(std::string_view extension);

}  // namespace opsh::db
