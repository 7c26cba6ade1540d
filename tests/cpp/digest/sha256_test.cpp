#include "digest/sha256.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "support/catch.hpp"

using opsh::digest::Sha256;
using opsh::digest::sha256_file;
using opsh::digest::sha256_hex;

namespace {

/// A file that lives for one test.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view content) {
    std::string name = (std::filesystem::temp_directory_path() / "opsh-sha256-XXXXXX").string();
    ::close(::mkstemp(name.data()));
    path_ = name;
    std::ofstream{path_, std::ios::binary} << content;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string kind_of_error(const std::filesystem::path& path) {
  try {
    sha256_file(path);
  } catch (const opsh::Error& error) {
    return error.kind;
  }
  return "none";
}

}  // namespace

TEST_CASE("a digest that is taken as bytes is that of its text, and the next one begins anew") {
  Sha256 digest;
  for (const char* text : {"abc", "", "abc"}) {
    const auto bytes = digest.add(text).take();
    std::string hex;
    for (const unsigned byte : bytes) {
      hex += "0123456789abcdef"[byte >> 4];
      hex += "0123456789abcdef"[byte & 15];
    }
    CHECK(hex == sha256_hex(text));
  }
}

TEST_CASE("the digests of FIPS 180-2 come out") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex(std::string(1'000'000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("pieces give the digest of the whole") {
  Sha256 digest;
  digest.add("a").add("").add("bc");
  CHECK(digest.hex() == sha256_hex("abc"));
}

TEST_CASE("a digest can be read and then go on") {
  Sha256 digest;
  CHECK(digest.add("ab").hex() == sha256_hex("ab"));
  Sha256 moved = std::move(digest);
  CHECK(moved.add("c").hex() == sha256_hex("abc"));
}

TEST_CASE("a file has the digest of its content") {
  std::string content;
  for (int i = 0; i < 300'000; ++i) content += static_cast<char>(i * 7);
  CHECK(sha256_file(TemporaryFile{content}.path()) == sha256_hex(content));
  CHECK(sha256_file(TemporaryFile{""}.path()) == sha256_hex(""));
}

TEST_CASE("a file that cannot be read is an error") {
  CHECK(kind_of_error("/nonexistent/file") == "file.read");
  CHECK(kind_of_error(std::filesystem::temp_directory_path()) == "file.read");
}
