#include "sandbox/supervision.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <utility>

namespace opsh::sandbox {
namespace {

constexpr int stop_seconds = 5;

void close_between(int first, int last) {
  if (first <= last) ::syscall(SYS_close_range, static_cast<unsigned>(first), static_cast<unsigned>(last), 0);
}

/// A terminal, a pipe and a socket of ours must be able to end while the supervisor lives.
void let_go_of(const Supervision& supervision) {
  ::setsid();
  ::umask(077);
  [[maybe_unused]] int ignored = ::chdir("/");
  int null = ::open("/dev/null", O_RDWR);
  for (int stream : {0, 1, 2}) ::dup2(null, stream);
  auto [low, high] = std::minmax(supervision.channel, supervision.lock);
  close_between(3, low - 1);
  close_between(low + 1, high - 1);
  close_between(high + 1, ~0U >> 1);
}

void lock_record(int lock) {
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  ::fcntl(lock, F_SETLK, &whole);
}

sigset_t watched_signals() {
  sigset_t watched;
  sigemptyset(&watched);
  for (int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
    ::signal(number, SIG_DFL);
    sigaddset(&watched, number);
  }
  ::sigprocmask(SIG_SETMASK, &watched, nullptr);
  return watched;
}

/// More than once: when initdb was killed with its owner, the server that it was running writes a moment longer.
bool remove_directory(const proc::Image& removal) {
  constexpr int attempts = 100;
  constexpr timespec pause{0, 50'000'000};
  for (int attempt = 0; attempt < attempts; ++attempt) {
    pid_t remover = ::fork();
    if (remover == 0) {
      removal.become({}, ::getppid());
      ::_exit(127);
    }
    int status = -1;
    while (remover > 0 && ::waitpid(remover, &status, 0) < 0 && errno == EINTR) {
    }
    if (remover > 0 && status == 0) return true;
    ::nanosleep(&pause, nullptr);
  }
  return false;
}

class Watch {
 public:
  explicit Watch(const Supervision& supervision)
      : supervision_(supervision), channel_(supervision.channel), signals_set_(watched_signals()) {
    let_go_of(supervision);
    lock_record(supervision.lock);
    // What a killed server leaves behind comes to us, so that we can end it.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    signals_ = ::signalfd(-1, &signals_set_, SFD_CLOEXEC | SFD_NONBLOCK);
  }

  void run() {
    while (!over_) {
      pollfd watched[2] = {{channel_, POLLIN, 0}, {signals_, POLLIN, 0}};
      if (::poll(watched, 2, -1) < 0 && errno != EINTR) return;
      if (watched[0].revents != 0) hear();
      if (watched[1].revents != 0) take_signals();
    }
  }

  /// At once, and whatever it takes.
  void stop_server() {
    if (server_ > 0) {
      ::kill(server_, SIGQUIT);
      if (reaped_all(stop_seconds)) return;
    }
    kill_children();
    reaped_all(stop_seconds);
  }

 private:
  void hear() {
    Request request{};
    ssize_t count = ::recv(channel_, &request, sizeof request, 0);
    if (count < 0 && errno == EINTR) return;
    if (count <= 0) {
      channel_ = -1;
      over_ = over_ || !detached_;
    } else if (request == Request::detach) {
      detached_ = true;
      over_ = server_ <= 0;
    } else if (request == Request::stop) {
      // Fast shutdown: sessions are ended, and a checkpoint is written.
      if (server_ > 0) ::kill(server_, SIGINT);
    } else if (server_ <= 0) {
      start_server();
    }
  }

  void start_server() {
    pid_t parent = ::getpid();
    server_ = ::fork();
    if (server_ < 0) tell({0, {"fork", errno}});
    if (server_ != 0) return;
    int log = ::open(supervision_.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    proc::Failure failure = supervision_.server.become({-1, log, log}, parent);
    tell({0, failure});
    ::_exit(127);
  }

  void tell(const Report& report) { ::send(supervision_.channel, &report, sizeof report, MSG_NOSIGNAL | MSG_DONTWAIT); }

  void take_signals() {
    signalfd_siginfo info{};
    while (::read(signals_, &info, sizeof info) == sizeof info)
      if (info.ssi_signo != SIGCHLD) over_ = true;
    reap();
  }

  /// Whether there are children left.
  bool reap() {
    int status = 0;
    pid_t ended = 0;
    while ((ended = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (ended != std::exchange(server_, ended == server_ ? -1 : server_)) continue;
      tell({status, {}});
      over_ = over_ || detached_;
    }
    return ended == 0;
  }

  bool reaped_all(int seconds) {
    timespec limit{};
    ::clock_gettime(CLOCK_MONOTONIC, &limit);
    limit.tv_sec += seconds;
    while (reap()) {
      timespec now{};
      ::clock_gettime(CLOCK_MONOTONIC, &now);
      if (now.tv_sec > limit.tv_sec || (now.tv_sec == limit.tv_sec && now.tv_nsec >= limit.tv_nsec)) return false;
      pollfd watched{signals_, POLLIN, 0};
      ::poll(&watched, 1, 100);
      signalfd_siginfo info{};
      while (::read(signals_, &info, sizeof info) == sizeof info) {
      }
    }
    return true;
  }

  /// A server that does not obey, and backends whose server was killed: these notice it only when they are next idle.
  void kill_children() {
    int list = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    char text[4096];
    ssize_t count = list < 0 ? 0 : ::read(list, text, sizeof text);
    pid_t child = 0;
    for (ssize_t at = 0; at < count; ++at) {
      if (text[at] >= '0' && text[at] <= '9') {
        child = child * 10 + (text[at] - '0');
      } else if (child > 0) {
        ::kill(std::exchange(child, 0), SIGKILL);
      }
    }
    if (list >= 0) ::close(list);
  }

  const Supervision& supervision_;
  int channel_;
  sigset_t signals_set_;
  int signals_ = -1;
  pid_t server_ = -1;
  bool detached_ = false;
  bool over_ = false;
};

}  // namespace

void supervise(const Supervision& supervision) noexcept {
  Watch watch{supervision};
  watch.run();
  watch.stop_server();
  ::_exit(remove_directory(supervision.removal) ? 0 : 1);
}

}  // namespace opsh::sandbox
