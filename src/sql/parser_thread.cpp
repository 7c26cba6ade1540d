#include "sql/parser_thread.hpp"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>

#include "base/error.hpp"

namespace opsh::sql {
namespace {

constexpr std::size_t stack_bytes = std::size_t{64} << 20;

void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

enum State : int { idle, posted, done };

/// Waits until `state` is `wanted`. The spin saves the futex calls of a hand-over that is answered at once. It is short
/// because the kernel likes to wake a thread on the CPU of its waker, where it has to wait for the end of the spin:
/// measured from idle, 2000 rounds cost 106 us a hand-over, 200 rounds 19 us.
void await(const std::atomic<int>& state, int wanted) {
  for (int spin = 0; spin < 200; ++spin) {
    if (state.load(std::memory_order_acquire) == wanted) return;
    pause_briefly();
  }
  for (int now = state.load(std::memory_order_acquire); now != wanted; now = state.load(std::memory_order_acquire)) {
    state.wait(now, std::memory_order_acquire);
  }
}

class ParserThread {
 public:
  ParserThread() {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_bytes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    // Signals belong to the host's threads; the new thread inherits this mask.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread{};
    const int failed = pthread_create(&thread, &attributes, &ParserThread::serve, this);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_attr_destroy(&attributes);
    if (failed != 0) {
      throw Error{"sql.thread", std::string{"cannot start the thread that parses SQL: "} + std::strerror(failed),
                  "raise the limits on processes and memory (ulimit -u, ulimit -v)"};
    }
  }

  void run(const std::function<void()>& job) {
    const std::lock_guard lock{one_caller_};
    job_ = &job;
    state_.store(posted, std::memory_order_release);
    state_.notify_all();
    await(state_, done);
    state_.store(idle, std::memory_order_relaxed);
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  static void* serve(void* self) {
    auto& thread = *static_cast<ParserThread*>(self);
    for (;;) {
      await(thread.state_, posted);
      try {
        (*thread.job_)();
      } catch (...) {
        thread.failure_ = std::current_exception();
      }
      thread.state_.store(done, std::memory_order_release);
      thread.state_.notify_all();
    }
  }

  std::mutex one_caller_;
  const std::function<void()>* job_ = nullptr;
  std::exception_ptr failure_;
  std::atomic<int> state_{idle};
};

}  // namespace

void on_parser_thread(const std::function<void()>& job) {
  // Never destroyed: the detached thread uses it until the process is gone, also while other statics are destroyed.
  static ParserThread& thread = *new ParserThread;
  thread.run(job);
}

}  // namespace opsh::sql
