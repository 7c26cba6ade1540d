#include "http/client.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <memory>
#include <new>
#include <string_view>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "http/curl_versions.hpp"

namespace opsh::http {
namespace {

template <auto release>
struct Freed {
  template <typename T>
  void operator()(T* object) const noexcept {
    release(object);
  }
};
using Easy = std::unique_ptr<CURL, Freed<curl_easy_cleanup>>;
using Multi = std::unique_ptr<CURLM, Freed<curl_multi_cleanup>>;
using Lines = std::unique_ptr<curl_slist, Freed<curl_slist_free_all>>;
using Url = std::unique_ptr<CURLU, Freed<curl_url_cleanup>>;

[[noreturn]] void refuse(const std::string& what, const std::string& hint) {
  throw Error{"http.request", what, hint};
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) || std::string_view{"!#$%&'*+-.^_`|~"}.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool breaks_line(std::string_view text) {
  return text.find_first_of(std::string_view{"\r\n\0", 3}) != text.npos;
}

bool has_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return false;
  curl_free(text);
  return true;
}

void check_url(const std::string& text) {
  Url url{curl_url()};
  bool http = text.starts_with("http://") || text.starts_with("https://");
  if (!url || !http || breaks_line(text) || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
    refuse("not a URL that can be asked: " + shown(text), "it begins with https:// or http://");
  if (has_part(url.get(), CURLUPART_USER) || has_part(url.get(), CURLUPART_PASSWORD))
    refuse("the URL has a user or password in it", "send it in a header, from a secret param or the environment");
}

Lines header_lines(const Request& request) {
  Lines lines;
  auto add = [&](const std::string& line) {
    curl_slist* longer = curl_slist_append(lines.get(), line.c_str());
    if (!longer) throw std::bad_alloc{};
    (void)lines.release();
    lines.reset(longer);
  };
  bool typed = false;
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name) || breaks_line(value))
      refuse("the header " + name + " cannot be sent: a line break or another character that does not belong there",
             "look at where its value comes from");
    std::string lower = name;
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    typed = typed || lower == "content-type";
    // libcurl sends a header without a value when it ends in a semicolon.
    add(value.empty() ? name + ";" : name + ": " + value);
  }
  // What libcurl would say of a body by itself is wrong for everything but forms.
  if (request.body && !typed) add("Content-Type:");
  return lines;
}

/// What comes back. Its methods are called by libcurl, in C: nothing is thrown through it.
struct Answer {
  Response response;
  std::size_t limit = 0;
  bool out_of_memory = false;

  static std::size_t header(const char* text, std::size_t, std::size_t length, void* self) noexcept {
    return static_cast<Answer*>(self)->take([&](Answer& answer) {
      std::string_view line{text, length};
      // Of a redirect, or of 100 Continue, that is followed by another.
      if (line.starts_with("HTTP/")) answer.response.headers.clear();
      auto colon = line.find(':');
      if (colon == line.npos) return length;
      std::string name{line.substr(0, colon)};
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      std::string_view value = line.substr(colon + 1);
      constexpr std::string_view blank = " \t\r\n";
      value.remove_prefix(std::min(value.find_first_not_of(blank), value.size()));
      value = value.substr(0, value.find_last_not_of(blank) + 1);
      answer.response.headers.emplace_back(std::move(name), value);
      return length;
    });
  }

  static std::size_t body(const char* bytes, std::size_t, std::size_t length, void* self) noexcept {
    return static_cast<Answer*>(self)->take([&](Answer& answer) {
      std::size_t room = answer.limit - answer.response.body.size();
      answer.response.body.append(bytes, std::min(length, room));
      answer.response.cut = length > room;
      // Less than was given ends the transfer.
      return answer.response.cut ? 0 : length;
    });
  }

 private:
  template <typename Work>
  std::size_t take(Work&& work) noexcept {
    try {
      return work(*this);
    } catch (...) {
      out_of_memory = true;
      return 0;
    }
  }
};

template <typename Value>
void set(const Easy& easy, CURLoption option, Value value) {
  if (CURLcode code = curl_easy_setopt(easy.get(), option, value); code != CURLE_OK)
    refuse(std::string{"libcurl refuses the request: "} + curl_easy_strerror(code), "look at the request");
}

void describe(const Easy& easy, const Request& request, const Lines& lines, Answer& answer, char* words) {
  set(easy, CURLOPT_ERRORBUFFER, words);
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_URL, request.url.c_str());
  allow_http_only(easy.get());
  set(easy, CURLOPT_USERAGENT, "opsh");
  set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method == "HEAD") set(easy, CURLOPT_NOBODY, 1L);
  if (request.body) {
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body->size()));
    set(easy, CURLOPT_POSTFIELDS, request.body->data());
  }
  set(easy, CURLOPT_HTTPHEADER, lines.get());
  set(easy, CURLOPT_FOLLOWLOCATION, request.redirects > 0 ? 1L : 0L);
  set(easy, CURLOPT_MAXREDIRS, static_cast<long>(request.redirects));
  set(easy, CURLOPT_TIMEOUT_MS, std::max(1L, std::lround(request.within.count() * 1000)));
  set(easy, CURLOPT_HEADERFUNCTION, &Answer::header);
  set(easy, CURLOPT_HEADERDATA, &answer);
  set(easy, CURLOPT_WRITEFUNCTION, &Answer::body);
  set(easy, CURLOPT_WRITEDATA, &answer);
}

/// Lets it happen until it is over or an interrupt is to be heeded.
CURLcode perform(const Multi& multi) {
  int running = 1;
  while (true) {
    if (curl_multi_perform(multi.get(), &running) != CURLM_OK) return CURLE_FAILED_INIT;
    int left = 0;
    if (CURLMsg* message = curl_multi_info_read(multi.get(), &left)) return message->data.result;
    if (interrupt::heeded()) throw Error{"interrupted", "interrupted"};
    curl_waitfd woken{interrupt::shielded() ? -1 : interrupt::descriptor(), CURL_WAIT_POLLIN, 0};
    constexpr int longest_milliseconds = 1000;
    curl_multi_poll(multi.get(), &woken, interrupt::shielded() ? 0 : 1, longest_milliseconds, nullptr);
  }
}

[[noreturn]] void fail(CURLcode code, const Request& request, std::string_view words) {
  std::string what = request.method + " " + shown(request.url) + ": " +
                     (words.empty() ? std::string{curl_easy_strerror(code)} : std::string{words});
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      throw Error{"http.connect", what, "nothing was sent"};
    case CURLE_OPERATION_TIMEDOUT:
      throw Error{"http.timeout", what, "the server may have acted all the same: look there"};
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
      throw Error{"http.certificate", what, "nothing was sent; certificates are verified against those of the system"};
    case CURLE_OUT_OF_MEMORY:
      throw std::bad_alloc{};
    default:
      throw Error{"http.failed", what, "the server may have acted all the same: look there"};
  }
}

/// libcurl wants to be started before there are threads, and never ends.
void start_library() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) throw Error{"http.failed", curl_easy_strerror(started)};
}

}  // namespace

std::string shown(std::string_view url) {
  auto cut = url.find_first_of("?#");
  return cut == url.npos ? std::string{url} : std::string{url.substr(0, cut)} + "?...";
}

void check(const Request& request) {
  check_url(request.url);
  if (!is_token(request.method)) refuse("not a method: " + request.method, "GET, POST, PUT, PATCH, DELETE or HEAD");
  header_lines(request);
}

Response send(const Request& request) {
  check(request);
  start_library();
  Lines lines = header_lines(request);
  Answer answer{.response = {}, .limit = request.body_limit};
  std::array<char, CURL_ERROR_SIZE> words{};
  Easy easy{curl_easy_init()};
  Multi multi{curl_multi_init()};
  if (!easy || !multi) throw std::bad_alloc{};
  describe(easy, request, lines, answer, words.data());
  auto began = Clock::now();
  if (curl_multi_add_handle(multi.get(), easy.get()) != CURLM_OK) throw std::bad_alloc{};
  CURLcode code = perform(multi);
  curl_multi_remove_handle(multi.get(), easy.get());
  if (answer.out_of_memory) throw std::bad_alloc{};
  if (code != CURLE_OK && !answer.response.cut) fail(code, request, words.data());
  answer.response.took = Clock::now() - began;
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.response.status = static_cast<int>(status);
  return std::move(answer.response);
}

}  // namespace opsh::http
