#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <thread>

#include "base/interrupt.hpp"
#include "db/connection.hpp"
#include "db/errors.hpp"

// How a session waits for its server: what it sends, what comes back, and how it is interrupted meanwhile.

namespace opsh::db {
namespace {

constexpr Seconds answer_to_cancel{5};
constexpr Seconds grace{10};
constexpr Seconds first_word{1};
constexpr Seconds next_word{0.5};

int sooner(int limit, const Deadline& other) {
  int left = other.poll_milliseconds();
  return left < 0 ? limit : limit < 0 ? left : std::min(limit, left);
}

}  // namespace

Result Connection::receive(Control control) {
  require_alive();
  const Deadline deadline = send_off();
  Result last;
  while (Result next = next_result(deadline)) {
    last = std::move(next);
    auto status = PQresultStatus(last.get());
    if (status == PGRES_COPY_OUT || status == PGRES_COPY_IN) break;
  }
  cancelled_ = {};
  return checked(std::move(last), control);
}

/// Until when the server may take to answer what is sent now.
Deadline Connection::send_off() {
  waiting_since_ = Clock::now();
  waiting_next_ = waiting_sink_ ? Deadline::in(first_word) : Deadline{};
  const Deadline deadline = answer_deadline();
  flush(deadline);
  return deadline;
}

/// The answer of the second statement of a pipeline of three, or the first error of any.
Result Connection::receive_middle_of_three() {
  const Deadline deadline = send_off();
  Result answer;
  for (int statement = 1; statement <= 3; ++statement)
    while (Result next = next_result(deadline)) {
      const auto status = PQresultStatus(next.get());
      const bool failed = status == PGRES_FATAL_ERROR;
      if (failed || (statement == 2 && status != PGRES_PIPELINE_ABORTED)) answer = std::move(next);
    }
  next_result(deadline);  // the end of the pipeline
  cancelled_ = {};
  if (!PQexitPipelineMode(connection_.get())) lose();
  return checked(std::move(answer), Control::none);
}

Result Connection::next_result(const Deadline& deadline) {
  while (PQisBusy(connection_.get())) {
    wait(POLLIN, deadline);
    if (!PQconsumeInput(connection_.get())) lose();
  }
  return Result{PQgetResult(connection_.get())};
}

Deadline Connection::answer_deadline() const {
  return statement_within_.count() > 0 ? Deadline::in(statement_within_ + grace) : Deadline{};
}

void Connection::flush(const Deadline& deadline) {
  for (;;) {
    int left = PQflush(connection_.get());
    if (left == 0) return;
    if (left < 0) lose();
    wait(POLLIN | POLLOUT, deadline);
    if (!PQconsumeInput(connection_.get())) lose();
  }
}

void Connection::wait(short events, const Deadline& deadline) {
  bool heed = !interrupt::shielded() && cancelled_.poll_milliseconds() < 0;
  for (;;) {
    std::array<pollfd, 2> watched{pollfd{PQsocket(connection_.get()), events, 0},
                                  pollfd{heed ? interrupt::descriptor() : -1, POLLIN, 0}};
    int limit = sooner(sooner(deadline.poll_milliseconds(), cancelled_), waiting_next_);
    int ready = ::poll(watched.data(), watched.size(), limit);
    if (ready < 0 && errno != EINTR) give_up(connection_lost("poll failed"));
    if (heed && (watched[1].revents & POLLIN)) {
      if (auto asking = cancel(); asking.joinable()) asking.detach();
      cancelled_ = Deadline::in(answer_to_cancel);
      heed = false;
      continue;
    }
    if (ready > 0) return say_waiting(true);
    if (waiting_next_.passed()) say_waiting(false);
    if (cancelled_.passed())
      give_up(Error{"interrupted", "interrupted; the server did not answer the cancel request in time"});
    if (deadline.passed())
      give_up(Error{"connection.lost", "the server has not answered within the statement's time limit",
                    "the session may still be running there: see pg_stat_activity"});
  }
}

void Connection::say_waiting(bool over) noexcept {
  if (over && !said_waiting_) return;
  said_waiting_ = !over;
  waiting_next_ = Deadline::in(next_word);
  try {
    if (over)
      waiting_sink_(std::nullopt);
    else
      waiting_sink_(Clock::now() - waiting_since_);
  } catch (const std::exception&) {
    // What is said while one waits decides nothing.
  }
}

/// Over a connection of its own and on a thread of its own, because a network that swallows packets would block it.
std::thread Connection::cancel() {
  std::unique_ptr<PGcancel, decltype(&PQfreeCancel)> handle{PQgetCancel(connection_.get()), &PQfreeCancel};
  if (!handle) return {};
  return std::thread{[owned = std::move(handle)] {
    char error[256];
    PQcancel(owned.get(), error, sizeof error);
  }};
}

}  // namespace opsh::db
