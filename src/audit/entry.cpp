#include "audit/entry.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/error.hpp"
#include "digest/sha256.hpp"
#include "json/parse.hpp"
#include "json/writer.hpp"

namespace opsh::audit {
namespace {

constexpr std::string_view before_sha256 = ",\"sha256\":\"";
constexpr std::string_view after_sha256 = "\"}";

std::string json_string(std::string_view text) {
  std::string out;
  json::Writer{out}.string(text);
  return out;
}

/// Takes the members of the outermost object.
class Members : public json::Handler {
 public:
  explicit Members(Sealed& sealed) : sealed_(sealed) {}

  void null() override {}
  void boolean(bool) override {}
  void number(std::string_view text) override {
    if (depth_ == 1 && key_ == "sequence") std::from_chars(text.data(), text.data() + text.size(), sealed_.sequence);
  }
  void string(std::string_view text) override {
    if (depth_ != 1) return;
    if (key_ == "run") sealed_.run = text;
    if (key_ == "event") sealed_.event = text;
    if (key_ == "previous") sealed_.previous = text;
    if (key_ == "sha256") sealed_.sha256 = text;
  }
  void begin_object() override { ++depth_; }
  void key(std::string_view name) override {
    if (depth_ == 1) key_ = name;
  }
  void end_object() override { --depth_; }
  void begin_array() override { ++depth_; }
  void end_array() override { --depth_; }

 private:
  Sealed& sealed_;
  int depth_ = 0;
  std::string key_;
};

}  // namespace

std::string seal(const Entry& entry) {
  std::string line = fmt::format(R"({{"sequence":{},"time":{},"run":{},"event":{},"details":{},"previous":{}}})",
                                 entry.sequence, json_string(entry.time), json_string(entry.run),
                                 json_string(entry.event), entry.details, json_string(entry.previous));
  std::string sha256 = digest::sha256_hex(line);
  line.pop_back();
  return line.append(before_sha256).append(sha256).append(after_sha256);
}

std::optional<Sealed> read(std::string_view line) {
  Sealed sealed;
  Members members{sealed};
  try {
    json::parse(line, members);
  } catch (const Error&) {
    return std::nullopt;
  }
  std::string member = std::string{before_sha256} + sealed.sha256 + std::string{after_sha256};
  if (!line.ends_with(member)) return sealed;
  std::string_view rest = line.substr(0, line.size() - member.size());
  sealed.intact = sealed.sequence > 0 && digest::Sha256{}.add(rest).add("}").hex() == sealed.sha256;
  return sealed;
}

}  // namespace opsh::audit
