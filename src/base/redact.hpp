#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// What must not leave the process: values of secret params and passwords, known from the moment that they are read.
/// Everything that opsh writes for people or keeps as a record passes through here right before it is written. From any
/// thread.
namespace opsh::redact {

/// Stands where a secret stood.
inline constexpr std::string_view mask = "***";

/// A secret has at least so many bytes: to hide what is shorter would hide parts of other words.
inline constexpr std::size_t shortest = 4;

/// Hides a value from now on: as it is, percent-encoded as in a URL, and quoted as in SQL, a connection string or JSON.
/// Returns false, and hides nothing, when it is too short.
bool hide(std::string_view secret);

/// Whether a secret is in the text.
bool holds(std::string_view text);

/// The text with the mask in the place of each secret.
std::string redacted(std::string_view text);

}  // namespace opsh::redact
